/* SPDX-License-Identifier: MIT */
/*
 * segment_prune.h - removes what killed processes left in the directory.
 *
 * A process that ends by itself removes its segment, a killed one cannot: its
 * segment is the profile that survived, and stays for a day after somebody
 * noticed. The first new process to find a dead one makes it read-only and sets
 * its time of modification; one that finds it so, and that long ago (segment.h)
 * removes it. Whoever needs it for longer copies it. One that exited, and could
 * only not remove its segment because it had changed user, is removed at once.
 *
 * What each new process does is bounded, and for a file that is marked, as
 * nearly all are, it is three system calls; readers, who have time, do the rest.
 * Read next: segment_file.h.
 */
#ifndef PREPROF_SEGMENT_PRUNE_H
#define PREPROF_SEGMENT_PRUNE_H

#define SEGMENT_PRUNE_NAMES_SIZE 4096u /* one getdents64: some 100 names */
#define SEGMENT_PRUNE_UNLINKS    8u    /* files removed at most */

/*
 * Looks through an open directory of segments that is ours alone. Touches only
 * files that are named like a segment, hold one of this version, and whose
 * process, in our own pid namespace, is gone; every doubt keeps a file. Not
 * reentrant: part of a birth.
 */
void segment_prune(int dir_fd);

#endif
