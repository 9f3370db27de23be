/* SPDX-License-Identifier: GPL-2.0 */
/* On which node a tenant could be at home: only a suggestion. */
#ifndef RUBATO_PGTABLE_HOME_H
#define RUBATO_PGTABLE_HOME_H

struct rubato_placement;
struct rubato_space;

void rubato_home_note(struct rubato_space *space);
void rubato_home_suggest(struct rubato_placement *placement);
void rubato_home_forget(struct rubato_placement *placement);

#endif /* RUBATO_PGTABLE_HOME_H */
