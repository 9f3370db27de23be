// SPDX-License-Identifier: GPL-2.0
/*
 * The terminal of `rubato top`. Whatever way it ends, the terminal is as it was:
 * signals that end it write what gives the screen back, which is prepared when
 * the screen is taken, and then do what they do.
 */
#include <curses.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cli/top.h"

#define DELAY_MIN_S	0.1
#define DELAY_MAX_S	3600.0
#define FIRST_DELAY_S	0.3	/* until there is something to see */
#define BATCH_WIDTH	132
#define BATCH_HEIGHT	(RUBATO_SLOTS + 32)

/* Two samples and what is between them. */
struct watch {
	struct cli *cli;
	struct top_sample old, new;
	struct top_table table;
	struct top_view view;
	char clock[16];
	struct rubato_error error;	/* why there is no newer sample */
};

static int look(struct watch *watch)
{
	struct top_sample sample;
	struct tm local;
	time_t now;
	int ret = top_sample_take(watch->cli, &sample, &watch->error);

	watch->view.trouble = ret ? watch->error.text : NULL;
	if (ret)
		return ret;
	top_sample_free(&watch->old);
	watch->old = watch->new;
	watch->new = sample;
	top_table_free(&watch->table);
	now = time(NULL);
	strftime(watch->clock, sizeof(watch->clock), "%T",
		 localtime_r(&now, &local));
	watch->view.clock = watch->clock;
	ret = top_table_make(&watch->table, &watch->old, &watch->new);
	return ret ? -rubato_error_set(&watch->error, -ret, "out of memory") : 0;
}

static void forget(struct watch *watch)
{
	top_table_free(&watch->table);
	top_sample_free(&watch->old);
	top_sample_free(&watch->new);
}

static void sleep_s(double seconds)
{
	struct timespec time = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9),
	};

	nanosleep(&time, NULL);
}

/* --- frames of text --- */

struct page {
	char grid[BATCH_HEIGHT][BATCH_WIDTH + 1];
	int used;
};

static void put_on_page(void *context, int line, int column,
			enum top_look look_unused, const char *text)
{
	struct page *page = context;

	(void)look_unused;
	memcpy(&page->grid[line][column], text, strlen(text));
	if (line >= page->used)
		page->used = line + 1;
}

static void print_page(struct page *page)
{
	for (int i = 0; i < page->used; i++) {
		int end = BATCH_WIDTH;

		while (end && page->grid[i][end - 1] == ' ')
			end--;
		printf("%.*s\n", end, page->grid[i]);
	}
	putchar('\n');
}

static void print_text(struct watch *watch, struct page *page)
{
	struct top_canvas canvas = {
		.width = BATCH_WIDTH,
		.height = BATCH_HEIGHT,
		.put = put_on_page,
		.context = page,
	};

	memset(page->grid, ' ', sizeof(page->grid));
	page->used = 0;
	top_draw(&watch->table, &watch->view, &canvas);
	print_page(page);
}

static void print_line(struct watch *watch)
{
	struct json_object *object = top_table_json(&watch->table);

	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
}

/* @frames of them; 0: until somebody ends it. */
static int run_batch(struct watch *watch, long frames)
{
	struct page *page = malloc(sizeof(*page));
	int ret = page ? 0 : -1;

	for (long done = 0; !ret && (!frames || done < frames); done++) {
		sleep_s(watch->view.delay_s);
		ret = look(watch);
		if (!ret && watch->cli->is_json)
			print_line(watch);
		else if (!ret)
			print_text(watch, page);
		if (fflush(stdout))
			break;	/* main() says so */
	}
	free(page);
	return ret ? cli_refused(&watch->error) : CLI_OK;
}

/* --- the screen --- */

static struct {
	struct termios modes;		/* as they were */
	char give_back[256];		/* to be written */
	size_t length;
} screen;

static void on_end(int number)
{
	(void)!write(STDOUT_FILENO, screen.give_back, screen.length);
	tcsetattr(STDIN_FILENO, TCSANOW, &screen.modes);
	signal(number, SIG_DFL);
	raise(number);
}

static void remember(const char *capability)
{
	const char *text = tigetstr(capability);
	size_t room = sizeof(screen.give_back) - screen.length;

	if (!text || text == (char *)-1 || strlen(text) >= room)
		return;
	strcpy(screen.give_back + screen.length, text);
	screen.length += strlen(text);
}

static void catch_ends(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	struct sigaction action = { .sa_handler = on_end };

	remember("sgr0");
	remember("cnorm");
	remember("rmkx");
	remember("rmcup");
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &action, NULL);
}

static void start_colours(void)
{
	if (getenv("NO_COLOR") || !has_colors())
		return;
	start_color();
	use_default_colors();
	init_pair(TOP_LOOK_GOOD, COLOR_GREEN, -1);
	init_pair(TOP_LOOK_WARN, COLOR_YELLOW, -1);
	init_pair(TOP_LOOK_BAD, COLOR_RED, -1);
	init_pair(TOP_LOOK_TITLE, COLOR_BLACK, COLOR_CYAN);
	init_pair(TOP_LOOK_SORTED, COLOR_BLACK, COLOR_YELLOW);
}

/* False: the terminal cannot move its cursor, or there is none. */
static bool take_screen(void)
{
	int code;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    setupterm(NULL, STDOUT_FILENO, &code) == ERR || !cursor_address ||
	    tcgetattr(STDIN_FILENO, &screen.modes) || !initscr())
		return false;
	catch_ends();
	cbreak();
	noecho();
	keypad(stdscr, true);
	curs_set(0);
	start_colours();
	return true;
}

/* Where there are no colours, the looks that matter are told otherwise. */
static chtype attributes_of(enum top_look look)
{
	static const chtype plain[TOP_LOOKS] = {
		[TOP_LOOK_TITLE] = A_REVERSE,
		[TOP_LOOK_SORTED] = A_REVERSE | A_UNDERLINE,
		[TOP_LOOK_WARN] = A_UNDERLINE,
		[TOP_LOOK_BAD] = A_BOLD,
	};

	if (look == TOP_LOOK_FAINT)
		return A_DIM;
	return COLOR_PAIRS > TOP_LOOKS && !getenv("NO_COLOR") ?
	       (chtype)COLOR_PAIR(look) : plain[look];
}

static void put_on_screen(void *context, int line, int column,
			  enum top_look look, const char *text)
{
	(void)context;
	attrset((int)attributes_of(look));
	mvaddstr(line, column, text);
	attrset(A_NORMAL);
}

static void draw(struct watch *watch)
{
	struct top_canvas canvas = {
		.width = COLS,
		.height = LINES,
		.put = put_on_screen,
	};

	erase();
	top_draw(&watch->table, &watch->view, &canvas);
	refresh();
}

/* --- keys --- */

static void change_delay(struct top_view *view, double factor)
{
	view->delay_s *= factor;
	if (view->delay_s < DELAY_MIN_S)
		view->delay_s = DELAY_MIN_S;
	if (view->delay_s > DELAY_MAX_S)
		view->delay_s = DELAY_MAX_S;
}

static void scroll_rows(struct top_view *view, int rows)
{
	if (rows < 0 && view->first < (size_t)-rows)
		view->first = 0;
	else
		view->first += (size_t)rows;
}

/* False: to be quit. */
static bool on_key(struct top_view *view, int key)
{
	switch (key) {
	case 'q':
		return false;
	case ' ':
	case 'p':
		view->is_paused = !view->is_paused;
		break;
	case '<':
	case KEY_LEFT:
		view->sort = (view->sort + top_columns() - 1) % top_columns();
		break;
	case '>':
	case KEY_RIGHT:
		view->sort = (view->sort + 1) % top_columns();
		break;
	case 'r':
		view->is_reversed = !view->is_reversed;
		break;
	case 'i':
		view->hides_idle = !view->hides_idle;
		break;
	case '+':
		change_delay(view, 2);
		break;
	case '-':
		change_delay(view, 0.5);
		break;
	case KEY_UP:
		scroll_rows(view, -1);
		break;
	case KEY_DOWN:
		scroll_rows(view, 1);
		break;
	case KEY_PPAGE:
		scroll_rows(view, -(LINES / 2));
		break;
	case KEY_NPAGE:
		scroll_rows(view, LINES / 2);
		break;
	case 'h':
	case '?':
		view->shows_help = !view->shows_help;
		break;
	}
	return true;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Whoever is asked in vain says why on the screen, and is asked again. */
static int run_screen(struct watch *watch)
{
	double next = now_s() + FIRST_DELAY_S;
	bool goes_on = true;

	while (goes_on) {
		double left = next - now_s();
		int key;

		draw(watch);
		timeout(left > 0 ? (int)(left * 1000) + 1 : 0);
		key = getch();
		if (key != ERR)
			goes_on = on_key(&watch->view, key);
		if (now_s() < next)
			continue;
		if (!watch->view.is_paused)
			look(watch);
		next = now_s() + watch->view.delay_s;
	}
	endwin();
	return CLI_OK;
}

/* --- arguments --- */

static int read_seconds(struct cli *cli, const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	if (end != text && !*end && *seconds >= DELAY_MIN_S &&
	    *seconds <= DELAY_MAX_S)
		return CLI_OK;
	return cli_usage(cli, "\"%s\" is no delay: 0.1 to 3600 seconds", text);
}

static int read_frames(struct cli *cli, const char *text, long *frames)
{
	struct rubato_error error;
	uint64_t number;

	if (rubato_parse_number(text, "number of frames", 1, 1000000000,
				&number, &error))
		return cli_usage(cli, "%s", error.text);
	*frames = (long)number;
	return CLI_OK;
}

static int read_sort(struct cli *cli, const char *title, int *column)
{
	*column = top_column_find(title);
	return *column >= 0 ? CLI_OK :
	       cli_usage(cli, "there is no column \"%s\"", title);
}

static int read_arguments(struct cli *cli, int argc, char **argv,
			  struct top_view *view, long *frames)
{
	const char *batch = NULL, *delay = NULL, *sort = NULL;
	const struct cli_word words[] = {
		{ .name = "--batch", .value = &batch },
		{ .name = "--delay", .value = &delay },
		{ .name = "--sort", .value = &sort },
		{ .name = "--idle", .flag = &view->hides_idle },
		{ .name = NULL },
	};
	int ret = cli_words(cli, words, argc, argv);

	if (!ret && batch)
		ret = read_frames(cli, batch, frames);
	if (!ret && delay)
		ret = read_seconds(cli, delay, &view->delay_s);
	return ret ? ret : read_sort(cli, sort ? sort : "CORE%", &view->sort);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct watch watch = {
		.cli = cli,
		.view = { .delay_s = 1 },
	};
	long frames = -1;
	int ret = read_arguments(cli, argc, argv, &watch.view, &frames);

	if (!ret)
		ret = cli_connect(cli);
	if (ret)
		return ret;
	if (look(&watch))
		ret = cli_refused(&watch.error);
	else if (frames >= 0 || cli->is_json || !take_screen())
		ret = run_batch(&watch, frames > 0 ? frames : 0);
	else
		ret = run_screen(&watch);
	forget(&watch);
	return ret;
}

const struct cli_object cli_top = {
	.name = "top",
	.about = "who uses the cores, live",
	.alone = { "top", run,
		   "[--batch FRAMES] [--delay SECONDS] [--sort COLUMN] [--idle]" },
};
