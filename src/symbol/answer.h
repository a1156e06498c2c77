/* Puts an answer together: the header that belongs to the question, and the strings. */
#ifndef RSP_SYMBOL_ANSWER_H
#define RSP_SYMBOL_ANSWER_H

#include "symbol/protocol.h"

/* Begins an answer in which nothing is known. */
void answer_init(struct reply *reply, const struct request *request);

/*
 * Adds a string and returns where it is, for a field of the answer. Equal strings are stored once;
 * one longer than PROTOCOL_NAME_SIZE is cut in the middle; NULL, and what has no room, is empty.
 */
uint32_t answer_text(struct reply *reply, const char *text);

#endif
