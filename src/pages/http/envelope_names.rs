//! The names and words by which a body without items reports an error, or that it is not ready.

/// Objects that describe the response.
pub(super) const ENVELOPES: &[&str] = &[
    "body",
    "envelope",
    "extensions",
    "head",
    "header",
    "meta",
    "metadata",
    "response",
    "responseheader",
    "responsemetadata",
    "responsestatus",
    "result",
    "shards",
    "status",
];
/// Words of the names of errors.
pub(super) const ERROR_WORDS: &[&str] = &[
    "err",
    "errcode",
    "errmsg",
    "errno",
    "error",
    "errorcode",
    "errormessage",
    "errormsg",
    "errors",
    "exception",
    "exceptions",
    "failures",
    "fault",
    "faults",
    "problem",
    "problems",
];
/// Other words of the names of errors.
pub(super) const BESIDE_ERROR: &[&str] = &[
    "api",
    "code",
    "description",
    "detail",
    "details",
    "has",
    "id",
    "info",
    "internal",
    "is",
    "message",
    "messages",
    "msg",
    "no",
    "number",
    "reason",
    "request",
    "response",
    "ret",
    "rsp",
    "server",
    "service",
    "string",
    "summary",
    "system",
    "text",
    "type",
];
/// Other words of the names of codes.
pub(super) const BESIDE_CODE: &[&str] = &[
    "api", "biz", "http", "info", "resp", "response", "result", "ret", "return", "rsp", "service", "status",
    "sub",
];
/// Names of codes in lower case.
pub(super) const CODES: &[&str] = &[
    "errcode",
    "errno",
    "errorcode",
    "infocode",
    "respcode",
    "resultcode",
    "ret",
    "retcode",
    "returncode",
    "rspcode",
    "statuscode",
];
pub(super) const MESSAGES: &[&str] = &[
    "info",
    "message",
    "messages",
    "msg",
    "notice",
    "respmsg",
    "resultmsg",
    "retmsg",
    "returnmsg",
    "rspmsg",
    "statusmessage",
    "statusmsg",
    "warning",
    "warnings",
];
pub(super) const STATUSES: &[&str] =
    &["outcome", "response", "result", "stat", "state", "status", "returnstatus", "jobstatus"];
/// Flags that are `true` in a page.
pub(super) const SUCCESS_FLAGS: &[&str] =
    &["issuccess", "issuccessful", "ok", "succeeded", "success", "successful"];
/// Flags that are `true` in a page, but also `false` in one, if it is empty.
pub(super) const SESSION_FLAGS: &[&str] =
    &["authenticated", "authorized", "isauthenticated", "isauthorized", "isloggedin", "loggedin"];
/// Flags that are `false` until the page is ready.
pub(super) const READY_FLAGS: &[&str] =
    &["isready", "jobcomplete", "jobcompleted", "jobdone", "querycomplete", "ready"];
/// The same, without any items.
pub(super) const COMPLETE_FLAGS: &[&str] =
    &["complete", "completed", "finished", "iscomplete", "iscompleted", "isfinished"];
/// Flags that are `true` if items are missing.
pub(super) const PARTIAL_FLAGS: &[&str] = &[
    "incomplete",
    "incompleteresults",
    "isincomplete",
    "ispartial",
    "partial",
    "partialresult",
    "partialresults",
    "timedout",
];
/// Members of a response that refers to another page, such as a log-in form.
pub(super) const REDIRECTS: &[&str] = &["loginurl", "redirect", "redirectto", "redirecturi", "redirecturl"];
/// States of a response that is not ready.
pub(super) const PENDING: &[&str] = &[
    "building",
    "computing",
    "enqueued",
    "executing",
    "in progress",
    "inprogress",
    "not ready",
    "not started",
    "pending",
    "preparing",
    "processing",
    "queued",
    "running",
    "scheduled",
    "started",
    "submitted",
    "waiting",
];
/// Parts of messages about a failure.
pub(super) const ALARMS: &[&str] = &[
    "access denied",
    "api key",
    "authenticat",
    "bad gateway",
    "can only fetch",
    "error",
    "exceed",
    "expired",
    "failed to",
    "failure",
    "forbidden",
    "incomplete",
    "internal server",
    "invalid token",
    "limit reached",
    "log in",
    "login required",
    "maintenance",
    "not authorized",
    "over limit",
    "over query limit",
    "over the limit",
    "overload",
    "partial results",
    "permission",
    "quota",
    "rate limit",
    "throttl",
    "timed out",
    "timeout",
    "too many",
    "unauthorized",
    "unavailable",
];
