// SPDX-License-Identifier: GPL-2.0
/* Words of the command line. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

int cli_refused(const struct rubato_error *error)
{
	fprintf(stderr, "rubato: %s\n", error->text);
	return CLI_REFUSED;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
	va_list arguments;

	fputs("rubato: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "; see `rubato %s%shelp`\n",
		cli->object ? cli->object->name : "", cli->object ? " " : "");
	return CLI_USAGE;
}

int cli_connect(struct cli *cli)
{
	struct rubato_error error;

	if (cli->rubato)
		return CLI_OK;
	cli->rubato = rubato_open(&error);
	return cli->rubato ? CLI_OK : cli_refused(&error);
}

int cli_match(const char *word, const void *first, size_t count, size_t stride)
{
	size_t length = strlen(word);
	int found = -1;

	for (size_t i = 0; i < count && length; i++) {
		/* Every table begins its entries with the name. */
		const char *name = *(const char *const *)
				   ((const char *)first + i * stride);

		if (strncmp(name, word, length))
			continue;
		if (!name[length])
			return (int)i;
		found = found == -1 ? (int)i : -2;
	}
	return found;
}

static int take_word(struct cli *cli, const struct cli_word *word,
		     const char *value)
{
	if (word->flag) {
		*word->flag = true;
		return CLI_OK;
	}
	if (!value)
		return cli_usage(cli, "\"%s\" needs a value", word->name);
	if (word->take)
		return word->take(cli, value, word->context);
	if (*word->value)
		return cli_usage(cli, "\"%s\" is there twice", word->name);
	*word->value = value;
	return CLI_OK;
}

int cli_words(struct cli *cli, const struct cli_word *words, int argc,
	      char **argv)
{
	size_t count = 0;

	while (words[count].name)
		count++;
	for (int i = 0; i < argc; i++) {
		int found = cli_match(argv[i], words, count, sizeof(*words));
		bool has_value;
		int ret;

		if (found < 0)
			return cli_usage(cli, found == -2 ?
				"\"%s\" is ambiguous" :
				"\"%s\" is not understood", argv[i]);
		has_value = !words[found].flag;
		ret = take_word(cli, &words[found],
				has_value && i + 1 < argc ? argv[i + 1] : NULL);
		if (ret)
			return ret;
		i += has_value;
	}
	return CLI_OK;
}

int cli_no_words(struct cli *cli, int argc, char **argv)
{
	return argc ? cli_usage(cli, "\"%s\" is one word too many", argv[0]) :
		      CLI_OK;
}

struct json_object *cli_ask(struct cli *cli, int argc, char **argv,
			    struct json_object *(*ask)(struct rubato *,
						       struct rubato_error *),
			    int *ret)
{
	struct json_object *answer;
	struct rubato_error error;

	*ret = cli_no_words(cli, argc, argv);
	if (!*ret)
		*ret = cli_connect(cli);
	if (*ret)
		return NULL;
	answer = ask(cli->rubato, &error);
	if (!answer)
		*ret = cli_refused(&error);
	return answer;
}

int cli_do(struct cli *cli, int argc, char **argv, const char *question,
	   int (*what)(struct rubato *, const char *, struct rubato_error *))
{
	struct rubato_error error;
	int ret;

	if (!argc)
		return cli_usage(cli, "%s", question);
	ret = cli_no_words(cli, argc - 1, argv + 1);
	if (!ret)
		ret = cli_connect(cli);
	if (!ret && what(cli->rubato, argv[0], &error))
		ret = cli_refused(&error);
	return ret;
}
