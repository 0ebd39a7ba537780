/* A test double of the Windows exports that wincnode uses for compute systems, layers and networks.
 *
 * It is a double and not the truth: it obeys what documentation, headers and hcsshim say of the
 * exports (the rules are named where they are obeyed), and no Windows was at hand to compare with.
 *
 * One machine is a folder, named by HCS_DOUBLE: `control` says how the machine is and what goes
 * wrong (see control.c), `state` holds what outlives a process (compute systems, layers), `calls`
 * gets a line for each call, `violations` one for each mistake of the caller. HCS_DOUBLE_C is the
 * folder that drive C stands for, where there are no drives.
 */
#ifndef COMPUTE_DOUBLE_H
#define COMPUTE_DOUBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

typedef uint16_t wide; /* a UTF-16 code unit */
typedef int32_t hresult;
typedef uint32_t dword;
typedef void *handle;
typedef struct { uint32_t a; uint16_t b, c; uint8_t d[8]; } guid;
typedef struct { dword process_id, reserved; handle in, out, err; } process_information;
typedef struct { int32_t flavour; const wide *home; } driver_info;
typedef struct { guid id; uint32_t flags; const wide *path; } layer_descriptor;
typedef void (*notification)(dword type, void *context, hresult status, const wide *data);

#define OK 0
#define E_HANDLE_ ((hresult)0x80070006)
#define E_INVALIDARG_ ((hresult)0x80070057)
#define E_NOTIMPL_ ((hresult)0x80004001)
#define HCS_(low) ((hresult)(0x80370000u | (low)))
#define WIN32_(code) ((hresult)(0x80070000u | (code)))
#define VMCOMPUTE_PENDING ((hresult)0xC0370103)

/* json.c: a document as a tree; a member has its name, an item of an array none. */
struct json {
    enum { J_NULL, J_FLAG, J_NUMBER, J_TEXT, J_ARRAY, J_OBJECT } type;
    char *name, *text;
    int64_t number;
    struct json *first, *next;
};
struct json *json_parse(const char *text);
void json_free(struct json *node);
const struct json *json_at(const struct json *node, const char *path);
const char *json_text(const struct json *node, const char *path);
int64_t json_number(const struct json *node, const char *path);
int json_count(const struct json *node);

/* json_tree.c */
struct json *json_object(void);
struct json *json_array(void);
struct json *json_string(const char *text);
struct json *json_integer(int64_t number);
struct json *json_copy(const struct json *node);
void json_append(struct json *list, struct json *item);
void json_drop(struct json *of, const struct json *item);
void json_set(struct json *object, const char *name, struct json *value);
void json_default(struct json *object, const char *name, struct json *value);
bool json_same(const struct json *a, const struct json *b);
char *json_write(const struct json *node);

/* text.c */
char *utf8(const wide *text);
wide *utf16(const char *text);
char *format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));
char *quoted(const char *text);
bool same(const char *a, const char *b);
enum allocator { BY_LOCAL = 1, BY_TASK = 2 };
wide *given(const char *text, enum allocator by);
void *lent(size_t bytes, enum allocator by);
void taken_back(void *text, enum allocator by, const char *export);
int strings_left(void);

/* machine.c: what outlives a process. */
enum state { FREE, CREATING, CREATED, RUNNING, STOPPED };
enum { MOST_SYSTEMS = 48, MOST_LAYERS = 48, MOST_HOLDERS = 6, MOST_EXPORTS = 96, MOST_GRANTS = 32, MOST_SHOWN = 40 };
struct holder { int64_t pid; int count; };
struct system {
    enum state state;
    uint32_t generation, host;
    char id[160], owner[64], type[20], exit_type[24], exit_detail[24], volume[300], controller[80];
    bool ends_with_handles, guest;
    int build;
    struct holder holders[MOST_HOLDERS];
};
struct layer {
    char path[300], parents[1600];
    bool sandbox, active, prepared;
    uint32_t number;
};
/* What the guest of a machine has: `of` is the machine's generation, `host` the folder, the file or the shares. */
enum shown_kind { SHOWN_NOTHING, SHOWN_SHARE, SHOWN_DISK, SHOWN_UNION };
struct shown { enum shown_kind kind; uint32_t of; char guest[120], host[300]; };
struct machine {
    uint32_t generation, next_pid, scene, calls;
    struct { char name[48]; uint32_t calls; } exports[MOST_EXPORTS];
    struct system systems[MOST_SYSTEMS];
    struct layer layers[MOST_LAYERS];
    char grants[MOST_GRANTS][300];
    struct shown shown[MOST_SHOWN];
};
/* Enter logs and counts a call, does what the control file plants for it, and locks the machine. */
struct fault { enum { NONE, REFUSE, FAIL, HANG, RESTART } action; hresult code; int64_t ms; char text[200]; };
struct machine *enter(const char *export, struct fault *fault, const char *arguments, ...) __attribute__((format(printf, 3, 4)));
struct machine *again(void); /* lock without being a call */
void leave(struct machine *machine);
void violation(const char *pattern, ...) __attribute__((format(printf, 1, 2)));
struct system *system_named(struct machine *machine, const char *id);
struct system *system_new(struct machine *machine, const char *id);
void system_hold(struct system *system, int by);
void system_end(struct system *system, const char *type, const char *detail);
uint32_t scene(void);
char *local(const char *path);
bool file_there(const char *windows_path);
int64_t now_ms(void);
void pause_ms(int64_t ms);
int64_t own_pid(void);
void lock_file(FILE *of);

/* control.c: how the machine is. */
struct control { int build, image_build; bool service, hypervisor, process_info_quirk, containers_exit; int64_t delay_ms; uint32_t die_at; char owner[40]; };
struct control control(void);
char *right_holders(const char *right);
void planted(const struct machine *machine, const char *export, uint32_t nth, struct fault *fault);
bool planted_word(const struct machine *machine, const char *export, uint32_t nth, const char *word);

/* schema.c: what is wrong with a document for this build; NULL where nothing is. */
char *misfit(const char *type, const struct json *document, int build);

/* operations.c */
void service_restarted(void);
void pump(struct machine *machine);
int operations_open(void), systems_open(void);
struct system *held_system(struct machine *machine, handle of, const char *export, hresult *why);
handle system_handle(struct machine *machine, struct system *system);
void close_system_handle(struct machine *machine, handle of, const char *export);
hresult check_document(struct machine *machine, const struct json *document, struct system *system, char **error);
char *result_error(hresult code, const char *message, const char *event);

/* waits.c */
bool is_granted(const struct machine *machine, const char *vm, const char *path);

/* guest.c */
hresult guest_modified(struct machine *machine, const struct system *system, const struct json *request, char **error);
hresult check_hosted(struct machine *machine, const struct json *document, struct system *system);
void guest_ended(struct machine *machine, const struct system *system);
bool disk_in_use(const struct machine *machine, const char *folder);

/* processes.c */
int processes_open(void);
struct process;
struct process *process_new(struct machine *machine, struct system *system, const struct json *parameters, handle *of);
void process_streams(struct process *process, process_information *information);
struct process *held_process(handle of, const char *export, hresult *why);
void process_kill(struct process *process);
char *process_status(struct process *process, bool *exited);
uint32_t process_id(struct process *process);
handle process_open(struct system *system, uint32_t pid);
bool process_close(handle of);
void processes_end(const struct system *system);

/* streams.c: the reading ends of the pipes. */
handle stream_new(char *text, size_t length, bool stays_open);
bool stream_drained(handle stream);
void stream_cut(handle stream);        /* nobody reads it any more */
void stream_cut_writer(handle stream); /* nobody writes to it any more */
int handles_open(void);

int network_handles_open(void); /* hns.c */

/* lsa.c */
int policies_open(void), account_lists_left(void);
size_t sid_of(const char *text, uint8_t *into); /* gives its bytes; `into` may be NULL */

/* layers.c */
guid name_to_guid(const char *name);
char *guid_text(guid id);
const char *last_part(const char *path);
struct layer *layer_of_volume(struct machine *machine, const char *volume);
int layers_attached(const struct machine *machine);
int image_build(const char *layer_path);

#endif
