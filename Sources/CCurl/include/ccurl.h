// The edge to libcurl. The library is opened with dlopen when an application first needs it; nothing is linked.
// What takes variable arguments in libcurl is typed here, and its callbacks arrive as the functions of
// `spacer_curl_hooks`, which are the same for all handles.
#pragma once
#include <curl/curl.h>
#include <stddef.h>
#include <sys/socket.h>

/// Bits of what a descriptor is watched for and of what happened on it.
enum {
  SPACER_CURL_READABLE = 1,
  SPACER_CURL_WRITABLE = 2,
  SPACER_CURL_FAILED = 4,
};

/// What libcurl asks for. None of the functions may call libcurl.
typedef struct {
  /// A multi handle's owner shall watch a descriptor for these bits, 0 meaning no more.
  void (*watch)(void *owner, int descriptor, int interest);
  /// It shall call `spacer_curl_expire` after so many milliseconds; -1: never. Replaces what was asked before.
  void (*set_timer)(void *owner, long milliseconds);
  /// A line of a transfer's answer's head, or bytes of its body. A result of 0 ends the transfer with
  /// CURLE_WRITE_ERROR.
  int (*take_line)(void *transfer, const char *bytes, size_t length);
  int (*take_body)(void *transfer, const char *bytes, size_t length);
  /// Whether a transfer may connect to an address.
  int (*allows_address)(void *transfer, const struct sockaddr *address, size_t length);
  /// Whether a transfer may use a connection to an address given as text.
  int (*allows_connection)(void *transfer, const char *address);
} spacer_curl_hooks;

/// Opens the library, once a process. Returns 1, or 0 with a message of at most `capacity` bytes. From one
/// thread at a time.
int spacer_curl_open(const spacer_curl_hooks *hooks, char *message, size_t capacity);

// MARK: URLs

/// The parts of an absolute URL; all are to be released with `spacer_curl_url_release`.
typedef struct {
  /// Everything but the fragment.
  char *whole;
  /// Without user, password and fragment.
  char *shown;
  char *scheme;
  /// In the normal form, an IPv6 address in brackets.
  char *host;
  /// The scheme's own where the URL names none.
  char *port;
  /// Whether the URL names a port.
  int has_port;
} spacer_curl_url;

/// Splits a URL; NULL, or why it is none. Only characters that a URL may not hold as they are get escaped.
const char *spacer_curl_url_parse(const char *text, spacer_curl_url *parts);
void spacer_curl_url_release(spacer_curl_url *parts);

// MARK: Transfers

/// One request. The texts need only live during `spacer_curl_easy_prepare`; `body`, `headers` and `error` as long
/// as the transfer.
typedef struct {
  void *transfer;
  const char *url;
  const char *method;
  /// NULL for a request without a body.
  const char *body;
  size_t body_length;
  struct curl_slist *headers;
  /// "" for none.
  const char *proxy;
  /// NULL for the library's own.
  const char *ca_file;
  const char *ca_folder;
  const char *user_agent;
  long connect_milliseconds;
  /// Whether the body is to be decompressed.
  int decodes;
  /// CURL_ERROR_SIZE bytes.
  char *error;
} spacer_curl_request;

/// A new handle, or NULL.
CURL *spacer_curl_easy_new(void);
/// Whether a handle may be prepared again once its transfer is over. Not before libcurl 8.2: a transfer there
/// can reach into the freed headers of the one before, and it is the server's answer that decides whether it does.
int spacer_curl_easy_is_reusable(void);
/// Sets everything about a handle anew.
CURLcode spacer_curl_easy_prepare(CURL *easy, const spacer_curl_request *request);
void spacer_curl_easy_free(CURL *easy);
long spacer_curl_status(CURL *easy);
/// The error number of the system's behind a failed connection, 0 if there is none.
long spacer_curl_system_error(CURL *easy);
/// Where the answer redirects to, absolute, or NULL. Valid until the handle is used again.
const char *spacer_curl_redirect(CURL *easy);
/// What a code means.
const char *spacer_curl_describe(CURLcode code);

/// Adds a line, and returns the list's new head; NULL, with the old one as it was, when memory is out.
struct curl_slist *spacer_curl_append(struct curl_slist *list, const char *line);
void spacer_curl_list_free(struct curl_slist *list);

// MARK: Multi handles

/// A new multi handle, or NULL.
/// `connections_max` counts all, `idle_max` those that are kept for later requests.
CURLM *spacer_curl_multi_new(void *owner, long connections_max, long idle_max);
/// Frees a multi handle without transfers, calling no hook.
void spacer_curl_multi_free(CURLM *multi);
/// Turns off the hooks of a multi handle that is to be freed.
void spacer_curl_multi_silence(CURLM *multi);
CURLMcode spacer_curl_multi_add(CURLM *multi, CURL *easy);
void spacer_curl_multi_remove(CURLM *multi, CURL *easy);
/// Something happened on a descriptor.
void spacer_curl_act(CURLM *multi, int descriptor, int events);
/// The time that `set_timer` asked for is over.
void spacer_curl_expire(CURLM *multi);
/// The next handle that is done, with its result; NULL when there is none.
CURL *spacer_curl_next_done(CURLM *multi, CURLcode *code);
