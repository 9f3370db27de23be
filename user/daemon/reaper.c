// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "reaper.h"

#define REAPER_THREADS	8

STAILQ_HEAD(work_list, reaper_work);

struct reaper {
	pthread_t threads[REAPER_THREADS];
	unsigned int nr_threads;
	pthread_mutex_t lock;		/* protects what follows */
	pthread_cond_t changed;
	struct work_list waiting;
	struct work_list finished;
	unsigned int nr_unfinished;	/* submitted, ->reap() not returned */
	unsigned int nr_running;
	bool alone_runs;
	bool stopping;

	int bell;			/* eventfd: something is finished */
	sd_event_source *source;
};

static struct reaper_work *take(struct work_list *list)
{
	struct reaper_work *work = STAILQ_FIRST(list);

	if (work)
		STAILQ_REMOVE_HEAD(list, link);
	return work;
}

static bool may_begin(const struct reaper *reaper)
{
	const struct reaper_work *work = STAILQ_FIRST(&reaper->waiting);

	return work && !reaper->alone_runs &&
	       !(work->alone && reaper->nr_running);
}

/* Called and returns with the lock held; lets go of it to work. */
static void reap_one(struct reaper *reaper)
{
	struct reaper_work *work = take(&reaper->waiting);

	reaper->nr_running++;
	reaper->alone_runs = work->alone;
	pthread_mutex_unlock(&reaper->lock);
	work->reap(work);
	pthread_mutex_lock(&reaper->lock);
	reaper->nr_running--;
	reaper->alone_runs = false;
	STAILQ_INSERT_TAIL(&reaper->finished, work, link);
	reaper->nr_unfinished--;
	eventfd_write(reaper->bell, 1);
	pthread_cond_broadcast(&reaper->changed);
}

static void *reaper_main(void *argument)
{
	struct reaper *reaper = argument;

	pthread_mutex_lock(&reaper->lock);
	while (!STAILQ_EMPTY(&reaper->waiting) || !reaper->stopping) {
		if (may_begin(reaper))
			reap_one(reaper);
		else
			pthread_cond_wait(&reaper->changed, &reaper->lock);
	}
	pthread_mutex_unlock(&reaper->lock);
	return NULL;
}

static void run_done(struct reaper *reaper)
{
	struct reaper_work *work;

	pthread_mutex_lock(&reaper->lock);
	while ((work = take(&reaper->finished))) {
		pthread_mutex_unlock(&reaper->lock);
		work->done(work);
		pthread_mutex_lock(&reaper->lock);
	}
	pthread_mutex_unlock(&reaper->lock);
}

static int on_bell(sd_event_source *source, int fd, uint32_t events,
		   void *context)
{
	eventfd_t count;

	(void)source, (void)events;
	eventfd_read(fd, &count);
	run_done(context);
	return 0;
}

static void end_threads(struct reaper *reaper)
{
	pthread_mutex_lock(&reaper->lock);
	reaper->stopping = true;
	pthread_cond_broadcast(&reaper->changed);
	pthread_mutex_unlock(&reaper->lock);
	while (reaper->nr_threads)
		pthread_join(reaper->threads[--reaper->nr_threads], NULL);
}

static int start_threads(struct reaper *reaper)
{
	int err = 0;

	while (reaper->nr_threads < REAPER_THREADS && !err) {
		pthread_t *thread = &reaper->threads[reaper->nr_threads];

		err = pthread_create(thread, NULL, reaper_main, reaper);
		if (err)
			break;
		reaper->nr_threads++;
		pthread_setname_np(*thread, "rubato-reap");
	}
	if (err)
		end_threads(reaper);
	return -err;
}

struct reaper *reaper_new(sd_event *event, struct rubato_error *error)
{
	struct reaper *reaper = calloc(1, sizeof(*reaper));
	int err = -ENOMEM;

	if (!reaper)
		goto failed;
	pthread_mutex_init(&reaper->lock, NULL);
	pthread_cond_init(&reaper->changed, NULL);
	STAILQ_INIT(&reaper->waiting);
	STAILQ_INIT(&reaper->finished);
	reaper->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = reaper->bell < 0 ? -errno : 0;
	if (err)
		goto free_reaper;
	err = sd_event_add_io(event, &reaper->source, reaper->bell, EPOLLIN,
			      on_bell, reaper);
	if (err < 0)
		goto close_bell;
	err = start_threads(reaper);
	if (err)
		goto unref;
	return reaper;

unref:
	sd_event_source_unref(reaper->source);
close_bell:
	close(reaper->bell);
free_reaper:
	free(reaper);
failed:
	rubato_error_set(error, err, "cannot start the reaper: %s",
			 strerror(-err));
	return NULL;
}

void reaper_free(struct reaper *reaper)
{
	reaper_drain(reaper);
	end_threads(reaper);
	sd_event_source_unref(reaper->source);
	close(reaper->bell);
	pthread_cond_destroy(&reaper->changed);
	pthread_mutex_destroy(&reaper->lock);
	free(reaper);
}

void reaper_submit(struct reaper *reaper, struct reaper_work *work)
{
	pthread_mutex_lock(&reaper->lock);
	STAILQ_INSERT_TAIL(&reaper->waiting, work, link);
	reaper->nr_unfinished++;
	pthread_cond_broadcast(&reaper->changed);
	pthread_mutex_unlock(&reaper->lock);
}

void reaper_drain(struct reaper *reaper)
{
	pthread_mutex_lock(&reaper->lock);
	while (reaper->nr_unfinished)
		pthread_cond_wait(&reaper->changed, &reaper->lock);
	pthread_mutex_unlock(&reaper->lock);
	run_done(reaper);
}

bool reaper_busy(struct reaper *reaper)
{
	bool busy;

	pthread_mutex_lock(&reaper->lock);
	busy = reaper->nr_unfinished > 0;
	pthread_mutex_unlock(&reaper->lock);
	return busy;
}
