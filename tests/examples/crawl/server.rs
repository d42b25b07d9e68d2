use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// The number of items of a page.
const PAGE: usize = 10;

/// An API with several ways from page to page, which can hold requests back.
pub(super) struct Server {
    pub(super) url: String,
    state: Arc<(Mutex<State>, Condvar)>,
}

struct State {
    items: usize,
    /// Requests for pages with items from this one on wait.
    held_from: usize,
    requests: usize,
    last_authorization: String,
}

struct Reply {
    status: &'static str,
    link: String,
    body: String,
}

impl Server {
    /// Starts a list of that many items, `{"id":0}` and so on. The threads end with the process.
    pub(super) fn start(items: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State { items, held_from: usize::MAX, requests: 0, last_authorization: String::new() };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                // A client that is killed closes its connection.
                thread::spawn(move || drop(answer(socket, &shared)));
            }
        });
        Self { url, state }
    }

    pub(super) fn hold_items_from(&self, first: usize) {
        self.state.0.lock().unwrap().held_from = first;
        self.state.1.notify_all();
    }

    pub(super) fn requests(&self) -> usize {
        self.state.0.lock().unwrap().requests
    }

    pub(super) fn last_authorization(&self) -> String {
        self.state.0.lock().unwrap().last_authorization.clone()
    }
}

fn answer(mut socket: TcpStream, state: &(Mutex<State>, Condvar)) -> io::Result<()> {
    let mut head = BufReader::new(&socket).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let target = head.next().unwrap_or_default().split(' ').nth(1).unwrap_or("/").to_owned();
    let authorization = head.find_map(|line| line.strip_prefix("authorization: ").map(str::to_owned));
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query: HashMap<&str, usize> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
        .collect();
    let first = ["offset", "cursor", "next"].iter().find_map(|name| query.get(name).copied());
    let first = first.or(query.get("page").map(|page| page * PAGE)).unwrap_or(0);

    let mut guard = state.0.lock().unwrap();
    guard.requests += 1;
    guard.last_authorization = authorization.unwrap_or_default();
    let guard = state.1.wait_while(guard, |state| first >= state.held_from).unwrap();
    let reply = reply(path, first, guard.items);
    drop(guard);
    let length = reply.body.len();
    write!(
        socket,
        "HTTP/1.1 {}\r\nconnection: close\r\n{}content-length: {length}\r\n\r\n{}",
        reply.status, reply.link, reply.body
    )
}

fn reply(path: &str, first: usize, items: usize) -> Reply {
    let ids = first.min(items)..items.min(first + PAGE);
    let list = ids.clone().map(|id| format!("{{\"id\":{id}}}")).collect::<Vec<_>>().join(",");
    let next = Some(ids.end).filter(|end| *end < items);
    let next_or_null = |prefix: &str, suffix: &str| {
        next.map_or_else(|| "null".to_owned(), |next| format!("{prefix}{next}{suffix}"))
    };
    let mut link = String::new();
    let (status, body) = match path {
        "/" => ("200 OK", format!("{{\"items\":[{list}],\"next\":{}}}", next_or_null("\"/?next=", "\""))),
        "/cursor" => {
            ("200 OK", format!("{{\"items\":[{list}],\"next_cursor\":{}}}", next_or_null("\"", "\"")))
        }
        "/number" => {
            let (page, pages) = (first / PAGE, items.div_ceil(PAGE));
            ("200 OK", format!("{{\"items\":[{list}],\"page\":{page},\"total_pages\":{pages}}}"))
        }
        "/offset" => (
            "200 OK",
            format!("{{\"items\":[{list}],\"offset\":{first},\"limit\":{PAGE},\"total\":{items}}}"),
        ),
        "/link" => {
            if let Some(next) = next {
                write!(link, "link: </link?next={next}>; rel=\"next\"\r\n").unwrap();
            }
            ("200 OK", format!("[{list}]"))
        }
        "/body" => ("200 OK", "{\"Items\":[{}],\"LastEvaluatedKey\":{\"id\":{\"S\":\"a\"}}}".to_owned()),
        "/unknown" => ("200 OK", "{\"answer\":42}".to_owned()),
        "/pretty" => {
            let item =
                "{\r\n  \"id\": 12345678901234567890123,\n  \"price\": 1.10,\n\t\"name\": \" a\\n b\"\n }";
            ("200 OK", format!("[ {item},\n [\n ],\n \"x\", null ]"))
        }
        "/refused" => ("401 Unauthorized", String::new()),
        "/busy" => ("503 Service Unavailable", String::new()),
        _ => ("404 Not Found", String::new()),
    };
    Reply { status, link, body }
}
