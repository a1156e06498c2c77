/*
 * Keys and the mouse, by curses. They are read from a pad of their own, because reading from a window
 * would first draw it.
 */
#include "config.h"

#include "term_state.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "keymap.h"

/* How long the bytes of one key may be apart, in milliseconds, before an Esc is an Esc. */
enum { ESCAPE_MS = 25 };

int term_start_input(struct terminal *term)
{
	/* ^C and ^Z come as keys; raw() keeps the processing of output, unlike cfmakeraw(). */
	raw();
	noecho();
	nonl();
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	leaveok(stdscr, TRUE);
	term->keys = newpad(1, 1);
	if (!term->keys)
		return -1;
	keypad(term->keys, TRUE);
	nodelay(term->keys, TRUE);
	(void)mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED,
			NULL);
	(void)mouseinterval(0);
	return 0;
}

static int decode_mouse(struct terminal *term)
{
	MEVENT event;

	if (getmouse(&event) != OK)
		return RSP_KEY_OTHER;
	term->mouse_row = event.y;
	term->mouse_col = event.x;
	if (event.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED))
		return RSP_KEY_CLICK;
	if (event.bstate & BUTTON4_PRESSED)
		return RSP_KEY_WHEEL_UP;
	return event.bstate & BUTTON5_PRESSED ? RSP_KEY_WHEEL_DOWN : RSP_KEY_OTHER;
}

static int decode_key(wint_t key)
{
	static const struct {
		wint_t curses;
		int key;
	} keys[] = {
	    {KEY_UP, RSP_KEY_UP},	  {KEY_DOWN, RSP_KEY_DOWN},
	    {KEY_LEFT, RSP_KEY_LEFT},	  {KEY_RIGHT, RSP_KEY_RIGHT},
	    {KEY_PPAGE, RSP_KEY_PAGE_UP}, {KEY_NPAGE, RSP_KEY_PAGE_DOWN},
	    {KEY_HOME, RSP_KEY_HOME},	  {KEY_END, RSP_KEY_END},
	    {KEY_ENTER, RSP_KEY_ENTER},	  {KEY_BACKSPACE, RSP_KEY_BACKSPACE},
	    {KEY_FIND, RSP_KEY_HOME},	  {KEY_SELECT, RSP_KEY_END},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].curses == key)
			return keys[i].key;
	if (key >= (wint_t)KEY_F(1) && key <= (wint_t)KEY_F(12))
		return RSP_KEY_F1 + (int)(key - (wint_t)KEY_F(1));
	return RSP_KEY_OTHER;
}

int term_key(struct terminal *term)
{
	wint_t key;
	int kind = wget_wch(term->keys, &key);

	if (kind == ERR)
		return RSP_KEY_NONE;
	/* ^@ would be taken for no key at all. */
	if (kind == OK)
		return key == 0 ? RSP_KEY_OTHER : (int)key;
	return key == KEY_MOUSE ? decode_mouse(term) : decode_key(key);
}

void term_mouse(const struct terminal *term, int *ret_row, int *ret_col)
{
	*ret_row = term->mouse_row;
	*ret_col = term->mouse_col;
}

bool term_is_gone(const struct terminal *term)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	int waiting = 0;

	(void)term;
	if (poll(&input, 1, 0) <= 0)
		return false;
	if (input.revents & (POLLHUP | POLLERR | POLLNVAL))
		return true;
	/* Readable with nothing to read is the end of the file. */
	return ioctl(STDIN_FILENO, FIONREAD, &waiting) < 0 || waiting == 0;
}
