#include "models/vosk_fake.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "models/tree.h"

static const char acoustic[] = "\0B<TransitionModel> ", graph[] = "\xd6\xfd\xb2\x7e a graph";

static bool write_bytes(const char *dir, const char *name, const char *bytes, size_t n)
{
	char path[TREE_PATH_BYTES + TREE_NAME_BYTES];
	struct error err;
	bool ok;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	if (tree_make_way(dir, name, &err) < 0)
		return false;
	f = fopen(path, "we");
	if (f == NULL)
		return false;
	ok = fwrite(bytes, 1, n, f) == n;
	return fclose(f) == 0 && ok;
}

bool vosk_fake_write(const char *dir, const char *name, const char *text)
{
	return write_bytes(dir, name, text, strlen(text));
}

bool vosk_fake_make(const char *dir, enum vosk_fake_form form)
{
	if (form == VOSK_FAKE_FLAT)
		return write_bytes(dir, "final.mdl", acoustic, sizeof acoustic) &&
		    vosk_fake_write(dir, "mfcc.conf", "--num-ceps=40\n") &&
		    write_bytes(dir, "HCLG.fst", graph, sizeof graph);
	if (!write_bytes(dir, "am/final.mdl", acoustic, sizeof acoustic) ||
	    !vosk_fake_write(dir, "conf/mfcc.conf", "--num-ceps=40\n") ||
	    !vosk_fake_write(dir, "conf/model.conf", "--beam=10\n"))
		return false;
	if (form == VOSK_FAKE_WHOLE_GRAPH)
		return write_bytes(dir, "graph/HCLG.fst", graph, sizeof graph);
	return write_bytes(dir, "graph/HCLr.fst", graph, sizeof graph) &&
	    write_bytes(dir, "graph/Gr.fst", graph, sizeof graph) &&
	    vosk_fake_write(dir, "graph/disambig_tid.int", "11887\n");
}
