/* The control file, a line each:
 *   build 17763|20348|26100        the build of Windows
 *   image_build N                  the build of images whose folder has no file lab-build.txt
 *   service off                    vmcompute does not run
 *   hypervisor off
 *   owner SID                      whose the folders are that are there already
 *   right NAME [SID...]            who holds a right of accounts; nobody where none is named
 *   containers exit                as they start, with HCS_E_UNEXPECTED_EXIT
 *   delay_ms N                     how long an operation takes
 *   quirk process_info             Server 2022's quirk: HcsCreateProcess gives no process information (E10)
 *   die N                          a process is killed at its Nth call
 *   scene N                        what follows counts from the Nth call of HcsGetServiceProperties to the next
 *   fault EXPORT NTH WORD [ARGUMENT] [TEXT]
 * EXPORT is the name of an export or * for all, NTH counts its calls from 1, or
 * from the begin of the scene, or is * for each. Words:
 *   refuse CODE          the call itself fails
 *   fail CODE [TEXT]     its operation fails, with a ResultError
 *   hang MS              it takes so long; 0 is for ever, where there is an operation
 *   exit                 all systems end unexpectedly before the call
 *   disconnect           the service restarts before the call
 *   restart              HNS restarts during a call of its own
 *   kill, killafter      the caller's process is killed before or after the call
 */
#include "double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *opened(void) {
    const char *folder = getenv("HCS_DOUBLE");
    char *path = format("%s/control", folder ? folder : ".");
    FILE *in = fopen(path, "rb");
    free(path);
    return in;
}

struct control control(void) {
    struct control is = {.build = 20348, .image_build = 0, .service = true, .hypervisor = true, .owner = "S-1-5-32-544"};
    char line[500], name[40], text[48];
    bool here = true;
    FILE *in = opened();
    while (in && fgets(line, sizeof line, in)) {
        if (sscanf(line, "%39s %47s", name, text) != 2) continue;
        if (!strcmp(name, "scene")) here = strtoul(text, NULL, 10) == scene();
        if (!here) continue;
        if (!strcmp(name, "build")) is.build = atoi(text);
        if (!strcmp(name, "image_build")) is.image_build = atoi(text);
        if (!strcmp(name, "die")) is.die_at = (uint32_t)strtoul(text, NULL, 10);
        if (!strcmp(name, "delay_ms")) is.delay_ms = atoi(text);
        if (!strcmp(name, "service")) is.service = strcmp(text, "off") != 0;
        if (!strcmp(name, "hypervisor")) is.hypervisor = strcmp(text, "off") != 0;
        if (!strcmp(name, "owner")) snprintf(is.owner, sizeof is.owner, "%.39s", text);
        if (!strcmp(name, "containers")) is.containers_exit = true;
        if (!strcmp(name, "quirk")) is.process_info_quirk = true;
    }
    if (in) fclose(in);
    if (!is.image_build) is.image_build = is.build;
    return is;
}

/* Who may log on as a service where Hyper-V is installed: [MS-DTYP] 2.4.2.4; nobody is denied it. */
char *right_holders(const char *right) {
    const char *usual = !strcmp(right, "SeServiceLogonRight") ? "S-1-5-80-0 S-1-5-83-0" : !strcmp(right, "SeDenyServiceLogonRight") ? "" : NULL;
    char *sids = usual ? format("%s", usual) : NULL;
    char line[500], name[60];
    unsigned number;
    bool here = true;
    FILE *in = opened();
    while (in && fgets(line, sizeof line, in)) {
        int at = 0;
        if (sscanf(line, "scene %u", &number) == 1) here = number == scene();
        if (!here || sscanf(line, "right %59s%n", name, &at) != 1 || strcmp(name, right)) continue;
        free(sids);
        while (line[at] == ' ') at++;
        sids = format("%.*s", (int)strcspn(line + at, "\r\n"), line + at);
    }
    if (in) fclose(in);
    return sids;
}

struct line { bool here; char export[48], nth[12], word[16], argument[20], text[200]; };

static bool meant(const struct line *row, const struct machine *machine, const char *export, uint32_t nth) {
    bool all = !strcmp(row->export, "*");
    if (!all && strcmp(row->export, export)) return false;
    return !strcmp(row->nth, "*") || strtoul(row->nth, NULL, 10) == (all ? machine->calls : nth);
}

static bool next(FILE *in, struct line *row) {
    char line[500];
    unsigned number;
    while (in && fgets(line, sizeof line, in)) {
        bool here = row->here;
        memset(row, 0, sizeof *row);
        row->here = here;
        if (sscanf(line, "scene %u", &number) == 1) row->here = number == scene();
        if (row->here && sscanf(line, "fault %47s %11s %15s %19s %199[^\n]", row->export, row->nth, row->word, row->argument, row->text) >= 3)
            return true;
    }
    return false;
}

bool planted_word(const struct machine *machine, const char *export, uint32_t nth, const char *word) {
    struct line row = {.here = true};
    bool found = false;
    FILE *in = opened();
    while (!found && next(in, &row)) found = !strcmp(row.word, word) && meant(&row, machine, export, nth);
    if (in) fclose(in);
    return found;
}

void planted(const struct machine *machine, const char *export, uint32_t nth, struct fault *fault) {
    struct line row = {.here = true};
    FILE *in = opened();
    while (fault->action == NONE && next(in, &row)) {
        if (!meant(&row, machine, export, nth)) continue;
        if (!strcmp(row.word, "refuse")) fault->action = REFUSE;
        if (!strcmp(row.word, "fail")) fault->action = FAIL;
        if (!strcmp(row.word, "hang")) fault->action = HANG;
        fault->code = (hresult)strtoul(row.argument, NULL, 16);
        fault->ms = strtol(row.argument, NULL, 10);
        snprintf(fault->text, sizeof fault->text, "%s", row.text);
    }
    if (in) fclose(in);
}
