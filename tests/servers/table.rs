use super::{Job, client, programs};

/// A program of `programs.rs`.
pub(super) struct Program {
    /// The name of its function.
    pub(super) name: &'static str,
    pub(super) server: &'static str,
    pub(super) api: &'static str,
    /// The JSON pointer to the value by which items are compared.
    pub(super) key: &'static str,
    /// The number of items of a page.
    pub(super) page: usize,
    pub(super) items: usize,
    /// The key of each item, by its number from 0.
    of: fn(usize) -> String,
}

macro_rules! programs {
    ($($server:literal $name:ident $api:literal, $key:literal, $page:literal, $items:literal, $of:expr;)*) => {
        pub(super) const PROGRAMS: &[Program] = &[$(Program {
            name: stringify!($name), server: $server, api: $api, key: $key, page: $page, items: $items, of: $of,
        },)*];

        impl Program {
            /// Runs a job with the stream of this program.
            pub(super) async fn start(&self, url: &str, job: &mut impl Job) {
                match self.name {
                    $(stringify!($name) => job.run(programs::$name(&client(), url).unwrap()).await,)*
                    name => unreachable!("{name} is in the table"),
                }
            }
        }
    };
}

// The server, the function, the API, the key, the items of a page, the number of items, the key of each.
programs! {
    "docker-registry" registry "`/v2/_catalog?n=40`, Link", "", 40, 250, |i| format!("repo-{i:03}");
    "moto" dynamodb_scan "DynamoDB Scan: POST, the cursor is an object", "/sk/N", 40, 500, |i| i.to_string();
    "moto" dynamodb_query "DynamoDB Query", "/sk/N", 10, 71, |i| (7 * i + 4).to_string();
    "moto" logs_filter "CloudWatch FilterLogEvents", "/message", 50, 420, |i| format!("m{i}");
    "moto" logs_get "CloudWatch GetLogEvents: the last page points to itself", "/message", 50, 420, |i| format!("m{i}");
    "moto" cognito "Cognito ListUsers", "/Username", 20, 130, |i| format!("user{i}");
    "moto" sqs "SQS ListQueues", "", 20, 130, |i| format!("q{i:03}");
    "moto" s3 "S3 ListObjectsV2: XML", "/Key", 50, 350, |i| format!("k {i:04}&+é");
    "azurite" azure "Azure List Blobs: XML", "/Name", 40, 260, |i| format!("b{i:04}");
    "datasette" datasette_link "Link", "/id", 100, 1050, one_based;
    "datasette" datasette_next_url "`next_url`", "/id", 100, 1050, one_based;
    "datasette" datasette_next "`next`", "/id", 100, 1050, one_based;
    "json-server" json_server_link "Link", "/id", 50, 523, one_based;
    "json-server" json_server_page "`_page`, concurrent", "/id", 50, 523, one_based;
    "json-server" json_server_offset "`_start`, `_limit`, concurrent", "/id", 50, 523, one_based;
    "pouchdb-server" couch_offset "`skip`, `limit`", "/id", 50, 530, couch;
    "pouchdb-server" couch_key "`startkey`: keyset", "/id", 50, 530, couch;
    "pouchdb-server" couch_changes "`_changes`: the last page points to itself", "/id", 50, 530, couch;
    "django-rest-framework" drf_number "page number, concurrent; 404 past the end", "/id", 50, 517, one_based;
    "django-rest-framework" drf_offset "limit and offset", "/id", 50, 517, one_based;
    "django-rest-framework" drf_cursor "cursor: a URL or null", "/id", 50, 517, one_based;
    "fastapi" relay "strawberry-graphql: `pageInfo` (Relay)", "/name", 50, 437, |i| format!("user {i}");
    "fastapi" fastapi_page "fastapi-pagination: page number, concurrent", "/id", 50, 437, zero_based;
    "fastapi" fastapi_links "fastapi-pagination: `links.next`", "/id", 50, 437, zero_based;
    "json-server-1" json_server_1 "`next` is a number; numbers beyond the last return the last page", "/id", 50, 523, one_based;
    "json-server-1" json_server_1_numbers "page number, `pages`", "/id", 50, 523, one_based;
    "verdaccio" verdaccio "`from`, `size`; the total shrinks", "/package/name", 10, 70, |i| format!("zz-{i:03}");
    "kinto" kinto "a URL in the header `Next-Page`", "/n", 50, 275, zero_based;
    "rabbitmq" rabbitmq "page number; 400 past the end", "/name", 20, 130, |i| format!("q{i:03}");
    "etcd" etcd "POST, the key after the last", "/value", 50, 260, etcd;
    "wordpress" wordpress "page number, concurrent; 400 past the end", "/title/rendered", 20, 130, |i| format!("post {i}");
}

impl Program {
    /// Returns the keys of all items.
    pub(super) fn want(&self) -> Vec<String> {
        (0..self.items).map(self.of).collect()
    }
}

fn zero_based(i: usize) -> String {
    i.to_string()
}

fn one_based(i: usize) -> String {
    (i + 1).to_string()
}

/// The number in base64.
fn etcd(i: usize) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, i.to_string())
}

fn couch(i: usize) -> String {
    format!("d{i:04}")
}
