/* The machine: what outlives a process, under a lock that all processes of it take. */
#include "double.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#ifdef _WIN32
#include <io.h>
#include <windows.h>
#define SEPARATOR "\\"
#else
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>
#define SEPARATOR "/"
#endif

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct machine machine;
static FILE *file;
static bool kill_after;
static uint32_t own_calls; /* of this process */

#ifdef _WIN32
int64_t own_pid(void) { return (int64_t)GetCurrentProcessId(); }
static void die(void) { TerminateProcess(GetCurrentProcess(), 137); }
static bool alive(int64_t pid) {
    HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)pid);
    bool is = process && WaitForSingleObject(process, 0) == WAIT_TIMEOUT;
    if (process) CloseHandle(process);
    return is;
}
void lock_file(FILE *of) {
    OVERLAPPED at = {0};
    LockFileEx((HANDLE)_get_osfhandle(_fileno(of)), LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 1, &at);
}
#else
int64_t own_pid(void) { return getpid(); }
static void die(void) { kill(getpid(), SIGKILL); }
static bool alive(int64_t pid) { return kill((pid_t)pid, 0) == 0; }
void lock_file(FILE *of) { flock(fileno(of), LOCK_EX); }
#endif

int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void pause_ms(int64_t ms) {
    struct timespec rest = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&rest, NULL);
}

static char *beside(const char *name) {
    const char *folder = getenv("HCS_DOUBLE");
    return format("%s" SEPARATOR "%s", folder ? folder : ".", name);
}

static void write_line(const char *name, const char *line) {
    char *path = beside(name);
    FILE *out = fopen(path, "ab");
    if (out) { fprintf(out, "%s\n", line); fclose(out); }
    free(path);
}

void violation(const char *pattern, ...) {
    char line[600];
    va_list list;
    va_start(list, pattern);
    vsnprintf(line, sizeof line, pattern, list);
    va_end(list);
    write_line("violations", line);
}

/* Give where a path of Windows lies here. */
char *local(const char *path) {
#ifdef _WIN32
    return format("%s", path);
#else
    const char *drive = getenv("HCS_DOUBLE_C");
    char *out = format("%s%s", drive ? drive : "", strlen(path) > 2 ? path + 2 : "");
    for (char *at = out; *at; at++) if (*at == '\\') *at = '/';
    return out;
#endif
}

bool file_there(const char *windows_path) {
    struct stat found;
    char *path = local(windows_path);
    bool there = *windows_path && stat(path, &found) == 0;
    free(path);
    return there;
}

/* A compute system that ends with its last handle ends with the death of who had it (E9). */
static void sweep(void) {
    for (int n = 0; n < MOST_SYSTEMS; n++) {
        struct system *row = &machine.systems[n];
        if (row->state == FREE) continue;
        int held = 0;
        for (int m = 0; m < MOST_HOLDERS; m++) {
            if (row->holders[m].count && !alive(row->holders[m].pid)) row->holders[m].count = 0;
            held += row->holders[m].count;
        }
        if (!held && row->ends_with_handles && row->state != STOPPED) system_end(row, "ForcedExit", "Terminate");
        if (!held && row->state == STOPPED) row->state = FREE;
    }
}

struct machine *again(void) {
    pthread_mutex_lock(&mutex);
    char *path = beside("state");
    file = fopen(path, "ab");
    if (file) { lock_file(file); fclose(file); }
    file = fopen(path, "r+b");
    if (!file) { fprintf(stderr, "compute double: no machine at %s\n", path); abort(); }
    lock_file(file);
    free(path);
    memset(&machine, 0, sizeof machine);
    if (fread(&machine, sizeof machine, 1, file) != 1) machine.next_pid = 1000;
    sweep();
    return &machine;
}

void leave(struct machine *of) {
    rewind(file);
    fwrite(of, sizeof *of, 1, file);
    fclose(file);
    file = NULL;
    if (kill_after) die();
    pthread_mutex_unlock(&mutex);
}

uint32_t scene(void) { return machine.scene; }

/* Each question to the service itself begins a scene, for which the control file may have lines of its own. */
static uint32_t counted(const char *export) {
    if (!strcmp(export, "HcsGetServiceProperties")) {
        machine.scene++;
        machine.calls = 0;
        memset(machine.exports, 0, sizeof machine.exports);
    }
    machine.calls++;
    for (int n = 0; n < MOST_EXPORTS; n++) {
        if (!*machine.exports[n].name) snprintf(machine.exports[n].name, sizeof machine.exports[n].name, "%s", export);
        if (!strcmp(machine.exports[n].name, export)) return ++machine.exports[n].calls;
    }
    return 0;
}

/* What the DLLs do by themselves, whether the service runs or not. */
static bool without_service(const char *export) {
    static const char *const NAMES[] = {"HcsCreateOperation", "NameToGuid", "ORCreateHive", "ORSaveHive", "ORCloseHive"};
    for (size_t n = 0; n < sizeof NAMES / sizeof *NAMES; n++) if (!strcmp(export, NAMES[n])) return true;
    return !strncmp(export, "Lsa", 3);
}

struct machine *enter(const char *export, struct fault *fault, const char *arguments, ...) {
    char line[3000];
    va_list list;
    int size = snprintf(line, sizeof line, "%lld %s ", (long long)own_pid(), export);
    va_start(list, arguments);
    vsnprintf(line + size, sizeof line - (size_t)size, arguments, list);
    va_end(list);
    for (char *at = line; *at; at++) if (*at == '\n' || *at == '\r') *at = ' ';
    again();
    uint32_t nth = counted(export);
    write_line("calls", line);
    *fault = (struct fault){.action = NONE};
    if (++own_calls == control().die_at || planted_word(&machine, export, nth, "kill")) { leave(&machine); die(); }
    kill_after = planted_word(&machine, export, nth, "killafter");
    if (planted_word(&machine, export, nth, "disconnect")) {
        for (int n = 0; n < MOST_SYSTEMS; n++)
            if (machine.systems[n].state != FREE) system_end(&machine.systems[n], "UnexpectedExit", "ServiceStop");
        service_restarted();
    }
    if (planted_word(&machine, export, nth, "exit"))
        for (int n = 0; n < MOST_SYSTEMS; n++)
            if (machine.systems[n].state != FREE) system_end(&machine.systems[n], "UnexpectedExit", "UnexpectedExit");
    planted(&machine, export, nth, fault);
    bool of_network = !strncmp(export, "Hcn", 3) || !strcmp(export, "HNSCall");
    if (of_network && planted_word(&machine, export, nth, "restart")) fault->action = RESTART;
    if (!of_network && !control().service && !without_service(export)) *fault = (struct fault){.action = REFUSE, .code = HCS_(0x114)};
    pump(&machine);
    return &machine;
}

struct system *system_named(struct machine *of, const char *id) {
    for (int n = 0; n < MOST_SYSTEMS; n++)
        if (of->systems[n].state != FREE && same(of->systems[n].id, id)) return &of->systems[n];
    return NULL;
}

struct system *system_new(struct machine *of, const char *id) {
    for (int n = 0; n < MOST_SYSTEMS; n++) {
        struct system *row = &of->systems[n];
        if (row->state != FREE) continue;
        memset(row, 0, sizeof *row);
        row->generation = ++of->generation;
        row->state = CREATING;
        snprintf(row->id, sizeof row->id, "%s", id);
        return row;
    }
    return NULL;
}

void system_hold(struct system *system, int by) {
    for (int n = 0; n < MOST_HOLDERS; n++) {
        struct holder *row = &system->holders[n];
        if (row->count && row->pid != own_pid()) continue;
        row->pid = own_pid();
        row->count += by;
        return;
    }
}

void system_end(struct system *system, const char *type, const char *detail) {
    if (system->state == STOPPED) return;
    system->state = STOPPED;
    snprintf(system->exit_type, sizeof system->exit_type, "%s", type);
    snprintf(system->exit_detail, sizeof system->exit_detail, "%s", detail);
    processes_end(system);
    guest_ended(&machine, system);
}

/* For tests: what is open, in this process and on the machine. */
EXPORT int double_count(const char *what) {
    struct machine *of = again();
    pump(of);
    int found = -1, systems = 0;
    for (int n = 0; n < MOST_SYSTEMS; n++) systems += of->systems[n].state != FREE;
    if (!strcmp(what, "systems")) found = systems;
    else if (!strcmp(what, "layers")) found = layers_attached(of);
    else if (!strcmp(what, "operations")) found = operations_open();
    else if (!strcmp(what, "system handles")) found = systems_open();
    else if (!strcmp(what, "process handles")) found = processes_open();
    else if (!strcmp(what, "handles")) found = handles_open();
    else if (!strcmp(what, "network handles")) found = network_handles_open();
    else if (!strcmp(what, "policies")) found = policies_open();
    else if (!strcmp(what, "account lists")) found = account_lists_left();
    else if (!strcmp(what, "strings")) found = strings_left();
    leave(of);
    return found;
}

/* What a process leaves open when it ends by itself is a mistake of it. */
__attribute__((destructor)) static void ended(void) {
    const char *folder = getenv("HCS_DOUBLE");
    if (!folder || !*folder) return;
    if (operations_open()) violation("ended with %d operations", operations_open());
    if (systems_open()) violation("ended with %d handles of systems", systems_open());
    if (processes_open()) violation("ended with %d handles of processes", processes_open());
    if (handles_open()) violation("ended with %d handles", handles_open());
    if (network_handles_open()) violation("ended with %d handles of networks", network_handles_open());
    if (policies_open()) violation("ended with %d policies", policies_open());
    if (account_lists_left()) violation("ended with %d lists of accounts", account_lists_left());
    if (strings_left()) violation("ended with %d strings", strings_left());
}
