#include "config.h"

#include "collect/probe_job.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "clock.h"

struct step {
	struct uprobe_links *links;
	const struct bpf_program *program;
	enum uprobe_side side;
	char path[64];
	struct uprobe_place *places; /* owned */
	size_t count;
	size_t before; /* links that there were */
};

struct probe_job {
	int pid, event_fd;
	struct step *steps; /* owned */
	size_t count;
	pthread_t thread;
	bool runs; /* the thread */
	double seconds;
	int code;
	struct err err;
};

struct probe_job *probe_job_new(int pid, int event_fd)
{
	struct probe_job *job = xcalloc(1, sizeof(*job));

	job->pid = pid;
	job->event_fd = event_fd;
	return job;
}

void probe_job_add(struct probe_job *job, struct uprobe_links *links, const struct bpf_program *program,
		   enum uprobe_side side, int file, const struct uprobe_place *places, size_t count)
{
	struct step *step;

	if (!count)
		return;
	job->steps = xreallocarray(job->steps, job->count + 1, sizeof(*job->steps));
	step = &job->steps[job->count++];
	*step = (struct step){.links = links, .program = program, .side = side, .count = count};
	(void)snprintf(step->path, sizeof(step->path), "/proc/self/fd/%d", file);
	step->places = xcalloc(count, sizeof(*places));
	memcpy(step->places, places, count * sizeof(*places));
}

static void *run(void *context)
{
	struct probe_job *job = context;
	double begin = monotonic_s();

	size_t done = 0;

	while (done < job->count && !job->code) {
		struct step *step = &job->steps[done++];

		step->before = uprobe_links_count(step->links);
		job->code = uprobe_links_attach(step->links, step->program, step->side, job->pid, step->path,
						step->places, step->count, &job->err);
	}
	for (; job->code && done > 0; done--)
		uprobe_links_cut(job->steps[done - 1].links, job->steps[done - 1].before);
	job->seconds = monotonic_s() - begin;
	(void)eventfd_write(job->event_fd, 1);
	return NULL;
}

/* No signal of the program is handled in the thread. */
void probe_job_begin(struct probe_job *job)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	job->runs = pthread_create(&job->thread, NULL, run, job) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!job->runs)
		(void)run(job);
}

int probe_job_end(struct probe_job *job, double *ret_seconds, struct err *err)
{
	int code;

	if (job->runs)
		(void)pthread_join(job->thread, NULL);
	*ret_seconds = job->seconds;
	code = job->code;
	if (code)
		*err = job->err;
	for (size_t i = 0; i < job->count; i++)
		free(job->steps[i].places);
	free(job->steps);
	free(job);
	return code;
}
