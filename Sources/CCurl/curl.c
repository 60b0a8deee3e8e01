// libcurl's functions in a table that dlopen fills. Invariant: nothing but `spacer_curl_open` is called
// before that has succeeded, and the table does not change afterwards, so that all threads may read it.
#include "ccurl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
  CURLcode (*global_init)(long flags);
  curl_version_info_data *(*version_info)(CURLversion age);
  CURL *(*easy_init)(void);
  void (*easy_cleanup)(CURL *easy);
  void (*easy_reset)(CURL *easy);
  CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
  CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
  const char *(*easy_strerror)(CURLcode code);
  struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
  void (*slist_free_all)(struct curl_slist *list);
  CURLM *(*multi_init)(void);
  CURLMcode (*multi_cleanup)(CURLM *multi);
  CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
  CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
  CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
  CURLMcode (*multi_socket_action)(CURLM *multi, curl_socket_t descriptor, int events, int *running);
  CURLMsg *(*multi_info_read)(CURLM *multi, int *left);
  CURLU *(*url)(void);
  void (*url_cleanup)(CURLU *url);
  CURLUcode (*url_get)(const CURLU *url, CURLUPart part, char **text, unsigned flags);
  CURLUcode (*url_set)(CURLU *url, CURLUPart part, const char *text, unsigned flags);
  const char *(*url_strerror)(CURLUcode code);
  void (*free)(void *memory);
} library;

static spacer_curl_hooks hooks;
static unsigned library_version;

// MARK: Opening

/// The oldest release with the options that `spacer_curl_easy_prepare` sets: 7.87.
static const unsigned version_min = 0x075700;

static const struct {
  const char *name;
  void *place;
} symbols[] = {
    {"curl_global_init", &library.global_init},
    {"curl_version_info", &library.version_info},
    {"curl_easy_init", &library.easy_init},
    {"curl_easy_cleanup", &library.easy_cleanup},
    {"curl_easy_reset", &library.easy_reset},
    {"curl_easy_setopt", &library.easy_setopt},
    {"curl_easy_getinfo", &library.easy_getinfo},
    {"curl_easy_strerror", &library.easy_strerror},
    {"curl_slist_append", &library.slist_append},
    {"curl_slist_free_all", &library.slist_free_all},
    {"curl_multi_init", &library.multi_init},
    {"curl_multi_cleanup", &library.multi_cleanup},
    {"curl_multi_setopt", &library.multi_setopt},
    {"curl_multi_add_handle", &library.multi_add_handle},
    {"curl_multi_remove_handle", &library.multi_remove_handle},
    {"curl_multi_socket_action", &library.multi_socket_action},
    {"curl_multi_info_read", &library.multi_info_read},
    {"curl_url", &library.url},
    {"curl_url_cleanup", &library.url_cleanup},
    {"curl_url_get", &library.url_get},
    {"curl_url_set", &library.url_set},
    {"curl_url_strerror", &library.url_strerror},
    {"curl_free", &library.free},
};

int spacer_curl_open(const spacer_curl_hooks *new_hooks, char *message, size_t capacity) {
  void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) {
    const char *reason = dlerror();
    snprintf(message, capacity, "%s", reason != NULL ? reason : "it cannot be loaded");
    return 0;
  }
  for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
    void *address = dlsym(handle, symbols[i].name);
    if (address == NULL) {
      snprintf(message, capacity, "it is too old: it has no %s", symbols[i].name);
      goto unusable;
    }
    memcpy(symbols[i].place, &address, sizeof address);
  }
  const curl_version_info_data *version = library.version_info(CURLVERSION_NOW);
  if (version->version_num < version_min) {
    snprintf(message, capacity, "its version %s is too old: 7.87 or later is needed", version->version);
    goto unusable;
  }
  if ((version->features & CURL_VERSION_ASYNCHDNS) == 0 || (version->features & CURL_VERSION_SSL) == 0) {
    snprintf(message, capacity, "it was built without TLS or without a resolver that does not block");
    goto unusable;
  }
  if (library.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    snprintf(message, capacity, "it cannot be initialised");
    goto unusable;
  }
  hooks = *new_hooks;
  library_version = version->version_num;
  return 1;
unusable:
  dlclose(handle);
  return 0;
}

// MARK: URLs

static char *url_part(const CURLU *url, CURLUPart part, unsigned flags) {
  char *text = NULL;
  return library.url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

const char *spacer_curl_url_parse(const char *text, spacer_curl_url *parts) {
  memset(parts, 0, sizeof *parts);
  CURLU *url = library.url();
  if (url == NULL) return "out of memory";
  CURLUcode code = library.url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE);
  if (code == CURLUE_OK) {
    library.url_set(url, CURLUPART_FRAGMENT, NULL, 0);
    parts->scheme = url_part(url, CURLUPART_SCHEME, 0);
    parts->host = url_part(url, CURLUPART_HOST, 0);
    parts->port = url_part(url, CURLUPART_PORT, 0);
    parts->has_port = parts->port != NULL;
    if (!parts->has_port) parts->port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    parts->whole = url_part(url, CURLUPART_URL, 0);
    library.url_set(url, CURLUPART_USER, NULL, 0);
    library.url_set(url, CURLUPART_PASSWORD, NULL, 0);
    library.url_set(url, CURLUPART_OPTIONS, NULL, 0);
    parts->shown = url_part(url, CURLUPART_URL, 0);
  }
  library.url_cleanup(url);
  if (code != CURLUE_OK) return library.url_strerror(code);
  if (parts->scheme == NULL || parts->host == NULL || parts->whole == NULL || parts->shown == NULL) {
    spacer_curl_url_release(parts);
    return "it has no host";
  }
  return NULL;
}

void spacer_curl_url_release(spacer_curl_url *parts) {
  char *texts[] = {parts->whole, parts->shown, parts->scheme, parts->host, parts->port};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    if (texts[i] != NULL) library.free(texts[i]);
  }
  memset(parts, 0, sizeof *parts);
}

// MARK: Callbacks of libcurl's

static size_t took_body(char *bytes, size_t size, size_t count, void *transfer) {
  return hooks.take_body(transfer, bytes, size * count) ? size * count : 0;
}

static size_t took_line(char *bytes, size_t size, size_t count, void *transfer) {
  return hooks.take_line(transfer, bytes, size * count) ? size * count : 0;
}

static curl_socket_t open_socket(void *transfer, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  if (!hooks.allows_address(transfer, &address->addr, address->addrlen)) return CURL_SOCKET_BAD;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// A connection is about to be used, be it new or from the pool.
static int before_request(void *transfer, char *address, char *local_address, int port, int local_port) {
  (void)local_address;
  (void)port;
  (void)local_port;
  return hooks.allows_connection(transfer, address) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static int socket_wanted(CURL *easy, curl_socket_t descriptor, int what, void *owner, void *known) {
  (void)easy;
  (void)known;
  int interest = 0;
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) interest |= SPACER_CURL_READABLE;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) interest |= SPACER_CURL_WRITABLE;
  hooks.watch(owner, descriptor, interest);
  return 0;
}

static int timer_wanted(CURLM *multi, long milliseconds, void *owner) {
  (void)multi;
  hooks.set_timer(owner, milliseconds);
  return 0;
}

// MARK: Transfers

CURL *spacer_curl_easy_new(void) { return library.easy_init(); }

int spacer_curl_easy_is_reusable(void) { return library_version >= 0x080200; }

void spacer_curl_easy_free(CURL *easy) { library.easy_cleanup(easy); }

/// Remembers the first option that fails.
#define SET(option, value)                                             \
  do {                                                                 \
    CURLcode set = library.easy_setopt(easy, (option), (value));       \
    if (code == CURLE_OK && set != CURLE_OK) code = set;               \
  } while (0)

static CURLcode set_method(CURL *easy, const spacer_curl_request *request) {
  CURLcode code = CURLE_OK;
  if (strcmp(request->method, "HEAD") == 0) {
    SET(CURLOPT_NOBODY, 1L);
    return code;
  }
  if (request->body != NULL) {
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
    SET(CURLOPT_POSTFIELDS, request->body);
  } else {
    SET(CURLOPT_HTTPGET, 1L);
  }
  SET(CURLOPT_CUSTOMREQUEST, request->method);
  return code;
}

static CURLcode set_connection(CURL *easy, const spacer_curl_request *request) {
  CURLcode code = CURLE_OK;
  SET(CURLOPT_PROTOCOLS_STR, "http,https");
  SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_CONNECTTIMEOUT_MS, request->connect_milliseconds);
  SET(CURLOPT_NOSIGNAL, 1L);
  // Without it, giving up a transfer waits for its resolver thread.
  SET(CURLOPT_QUICK_EXIT, 1L);
  SET(CURLOPT_TCP_KEEPALIVE, 1L);
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  if (request->ca_file != NULL) SET(CURLOPT_CAINFO, request->ca_file);
  if (request->ca_folder != NULL) SET(CURLOPT_CAPATH, request->ca_folder);
  // The variables are read by the caller, who must know whether a proxy is used.
  SET(CURLOPT_PROXY, request->proxy);
  SET(CURLOPT_NOPROXY, "");
  SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
  SET(CURLOPT_OPENSOCKETDATA, request->transfer);
  SET(CURLOPT_PREREQFUNCTION, before_request);
  SET(CURLOPT_PREREQDATA, request->transfer);
  return code;
}

CURLcode spacer_curl_easy_prepare(CURL *easy, const spacer_curl_request *request) {
  library.easy_reset(easy);
  CURLcode code = set_connection(easy, request);
  if (code == CURLE_OK) code = set_method(easy, request);
  SET(CURLOPT_URL, request->url);
  SET(CURLOPT_HTTPHEADER, request->headers);
  SET(CURLOPT_USERAGENT, request->user_agent);
  // "" stands for every coding that the library knows.
  if (request->decodes) SET(CURLOPT_ACCEPT_ENCODING, "");
  SET(CURLOPT_WRITEFUNCTION, took_body);
  SET(CURLOPT_WRITEDATA, request->transfer);
  SET(CURLOPT_HEADERFUNCTION, took_line);
  SET(CURLOPT_HEADERDATA, request->transfer);
  request->error[0] = 0;
  SET(CURLOPT_ERRORBUFFER, request->error);
  return code;
}

static long long_info(CURL *easy, CURLINFO info) {
  long value = 0;
  return library.easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}

long spacer_curl_status(CURL *easy) { return long_info(easy, CURLINFO_RESPONSE_CODE); }

long spacer_curl_system_error(CURL *easy) { return long_info(easy, CURLINFO_OS_ERRNO); }

const char *spacer_curl_redirect(CURL *easy) {
  char *url = NULL;
  return library.easy_getinfo(easy, CURLINFO_REDIRECT_URL, &url) == CURLE_OK ? url : NULL;
}

const char *spacer_curl_describe(CURLcode code) { return library.easy_strerror(code); }

struct curl_slist *spacer_curl_append(struct curl_slist *list, const char *line) {
  return library.slist_append(list, line);
}

void spacer_curl_list_free(struct curl_slist *list) { library.slist_free_all(list); }

// MARK: Multi handles

CURLM *spacer_curl_multi_new(void *owner, long connections_max, long idle_max) {
  CURLM *multi = library.multi_init();
  if (multi == NULL) return NULL;
  library.multi_setopt(multi, CURLMOPT_SOCKETDATA, owner);
  library.multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
  library.multi_setopt(multi, CURLMOPT_TIMERDATA, owner);
  library.multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
  library.multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
  library.multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections_max);
  library.multi_setopt(multi, CURLMOPT_MAXCONNECTS, idle_max);
  return multi;
}

void spacer_curl_multi_silence(CURLM *multi) {
  library.multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, NULL);
  library.multi_setopt(multi, CURLMOPT_TIMERFUNCTION, NULL);
}

void spacer_curl_multi_free(CURLM *multi) {
  spacer_curl_multi_silence(multi);
  library.multi_cleanup(multi);
}

CURLMcode spacer_curl_multi_add(CURLM *multi, CURL *easy) { return library.multi_add_handle(multi, easy); }

void spacer_curl_multi_remove(CURLM *multi, CURL *easy) { library.multi_remove_handle(multi, easy); }

void spacer_curl_act(CURLM *multi, int descriptor, int events) {
  int what = 0;
  if (events & SPACER_CURL_READABLE) what |= CURL_CSELECT_IN;
  if (events & SPACER_CURL_WRITABLE) what |= CURL_CSELECT_OUT;
  if (events & SPACER_CURL_FAILED) what |= CURL_CSELECT_ERR;
  int running = 0;
  library.multi_socket_action(multi, descriptor, what, &running);
}

void spacer_curl_expire(CURLM *multi) {
  int running = 0;
  library.multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

CURL *spacer_curl_next_done(CURLM *multi, CURLcode *code) {
  int left = 0;
  CURLMsg *message;
  while ((message = library.multi_info_read(multi, &left)) != NULL) {
    if (message->msg != CURLMSG_DONE) continue;
    *code = message->data.result;
    return message->easy_handle;
  }
  return NULL;
}
