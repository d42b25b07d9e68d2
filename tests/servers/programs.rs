//! Programs that users could have written. Each reads one API of a real server, and has a body of at most 12 lines; see
//! `README.md`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use quick_xml::de::from_reader;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use withal::pages::http::{Client, Error, GraphQlQuery};
use withal::pages::{AsyncGetDocs, Offset, OnCycle, Page, PageNumber};

pub(super) type Items<T, C> = Result<AsyncGetDocs<T, C, Error>, Error>;

#[derive(Deserialize, Serialize)]
pub(super) struct Row {
    pub(super) id: u64,
}

/// The credentials of an AWS request, of which moto reads only the service. A user would add a signature by `map_request`.
fn aws(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=x"
    )
}

pub(super) fn registry(client: &Client, url: &str) -> Items<String, String> {
    Ok(client.endpoint(&format!("{url}/v2/_catalog?n=40"))?.items_at("/repositories").by_link())
}

pub(super) fn dynamodb_scan(client: &Client, url: &str) -> Items<Value, String> {
    Ok(client
        .endpoint(url)?
        .header("authorization", &aws("dynamodb"))?
        .header("content-type", "application/x-amz-json-1.0")?
        .header("x-amz-target", "DynamoDB_20120810.Scan")?
        .json(&json!({ "TableName": "docs", "Limit": 40 }))?
        .items_at("/Items")
        .by_body_cursor("/LastEvaluatedKey", "/ExclusiveStartKey"))
}

pub(super) fn dynamodb_query(client: &Client, url: &str) -> Items<Value, String> {
    Ok(client
        .endpoint(url)?
        .header("authorization", &aws("dynamodb"))?
        .header("content-type", "application/x-amz-json-1.0")?
        .header("x-amz-target", "DynamoDB_20120810.Query")?
        .json(&json!({ "TableName": "docs", "Limit": 10, "KeyConditionExpression": "pk = :p",
            "ExpressionAttributeValues": { ":p": { "S": "p4" } } }))?
        .items_at("/Items")
        .by_body_cursor("/LastEvaluatedKey", "/ExclusiveStartKey"))
}

pub(super) fn logs_filter(client: &Client, url: &str) -> Items<Value, String> {
    Ok(client
        .endpoint(url)?
        .header("authorization", &aws("logs"))?
        .header("content-type", "application/x-amz-json-1.1")?
        .header("x-amz-target", "Logs_20140328.FilterLogEvents")?
        .json(&json!({ "logGroupName": "g", "limit": 50 }))?
        .items_at("/events")
        .by_body_cursor("/nextToken", "/nextToken"))
}

pub(super) fn logs_get(client: &Client, url: &str) -> Items<Value, String> {
    Ok(client
        .endpoint(url)?
        .header("authorization", &aws("logs"))?
        .header("content-type", "application/x-amz-json-1.1")?
        .header("x-amz-target", "Logs_20140328.GetLogEvents")?
        .json(&json!({ "logGroupName": "g", "logStreamName": "s", "limit": 50, "startFromHead": true }))?
        .items_at("/events")
        .by_body_cursor("/nextForwardToken", "/nextToken")
        // The last page points to itself.
        .on_cycle(OnCycle::End))
}

pub(super) fn cognito(client: &Client, url: &str) -> Items<Value, String> {
    Ok(client
        .endpoint(url)?
        .header("authorization", &aws("cognito-idp"))?
        .header("content-type", "application/x-amz-json-1.1")?
        .header("x-amz-target", "AWSCognitoIdentityProviderService.ListUsers")?
        .json(&json!({ "UserPoolId": super::pool(), "Limit": 20 }))?
        .items_at("/Users")
        .by_body_cursor("/PaginationToken", "/PaginationToken"))
}

pub(super) fn sqs(client: &Client, url: &str) -> Items<String, String> {
    Ok(client
        .endpoint(url)?
        .header("authorization", &aws("sqs"))?
        .header("content-type", "application/x-amz-json-1.0")?
        .header("x-amz-target", "AmazonSQS.ListQueues")?
        .json(&json!({ "MaxResults": 20 }))?
        .items_at("/QueueUrls")
        .by_body_cursor("/NextToken", "/NextToken"))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Bucket {
    #[serde(default)]
    contents: Vec<Object>,
    next_continuation_token: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Object {
    key: String,
}

pub(super) fn s3(client: &Client, url: &str) -> Items<Object, String> {
    let list = client.endpoint(&format!("{url}/docs?list-type=2&max-keys=50"))?;
    Ok(list.header("authorization", &aws("s3"))?.by_response(
        |request, token: &String| request.query("continuation-token", token),
        |response| {
            let bucket: Bucket = from_reader(response.bytes())?;
            Ok(Page::new(bucket.contents, bucket.next_continuation_token))
        },
    ))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    blobs: Blobs,
    next_marker: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Blobs {
    #[serde(default)]
    blob: Vec<Blob>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Blob {
    name: String,
}

pub(super) fn azure(client: &Client, url: &str) -> Items<Blob, String> {
    let list = "devstoreaccount1/docs?restype=container&comp=list&maxresults=40";
    Ok(client.endpoint(&format!("{url}/{list}"))?.by_response(
        |request, marker: &String| request.query("marker", marker),
        |response| {
            let container: Container = from_reader(response.bytes())?;
            // An empty marker is none, by default.
            Ok(Page::new(container.blobs.blob, Some(container.next_marker)))
        },
    ))
}

pub(super) fn datasette_link(client: &Client, url: &str) -> Items<Row, String> {
    Ok(client.endpoint(&format!("{url}/ds/docs.json?_shape=array"))?.by_link())
}

pub(super) fn datasette_next_url(client: &Client, url: &str) -> Items<Row, String> {
    let docs = client.endpoint(&format!("{url}/ds/docs.json?_shape=objects"))?;
    Ok(docs.items_at("/rows").by_next_url("/next_url"))
}

pub(super) fn datasette_next(client: &Client, url: &str) -> Items<Row, String> {
    let docs = client.endpoint(&format!("{url}/ds/docs.json?_shape=objects"))?;
    Ok(docs.items_at("/rows").by_cursor("/next", "_next"))
}

pub(super) fn json_server_link(client: &Client, url: &str) -> Items<Row, String> {
    Ok(client.endpoint(&format!("{url}/posts?_page=1&_limit=50"))?.by_link())
}

pub(super) fn json_server_page(client: &Client, url: &str) -> Items<Row, PageNumber> {
    Ok(client.endpoint(&format!("{url}/posts?_limit=50"))?.by_page_number("_page", 1).concurrency(4))
}

pub(super) fn json_server_offset(client: &Client, url: &str) -> Items<Row, Offset> {
    Ok(client.endpoint(&format!("{url}/posts"))?.by_offset("_start", "_limit", 50).concurrency(4))
}

pub(super) fn couch_offset(client: &Client, url: &str) -> Items<Value, Offset> {
    Ok(client.endpoint(&format!("{url}/docs/_all_docs"))?.items_at("/rows").by_offset("skip", "limit", 50))
}

pub(super) fn couch_key(client: &Client, url: &str) -> Items<Value, String> {
    Ok(client.endpoint(&format!("{url}/docs/_all_docs?limit=50"))?.items_at("/rows").by_response(
        |request, key: &String| request.query("startkey", key).query("skip", 1),
        |response| Ok(response.page(response.json_text_at("/rows/-1/key")?.map(str::to_owned))?),
    ))
}

pub(super) fn couch_changes(client: &Client, url: &str) -> Items<Value, String> {
    let changes = client.endpoint(&format!("{url}/docs/_changes?limit=50"))?;
    // The last page names its own position.
    Ok(changes.items_at("/results").by_cursor("/last_seq", "since").on_cycle(OnCycle::End))
}

pub(super) fn drf_number(client: &Client, url: &str) -> Items<Row, PageNumber> {
    let docs = client.endpoint(&format!("{url}/number/"))?;
    Ok(docs.items_at("/results").by_page_number("page", 1).concurrency(3))
}

pub(super) fn drf_offset(client: &Client, url: &str) -> Items<Row, Offset> {
    let docs = client.endpoint(&format!("{url}/offset/"))?;
    Ok(docs.items_at("/results").by_offset("offset", "limit", 50).expect_total())
}

pub(super) fn drf_cursor(client: &Client, url: &str) -> Items<Row, String> {
    Ok(client.endpoint(&format!("{url}/cursor/"))?.items_at("/results").by_next_url("/next"))
}

pub(super) fn relay(client: &Client, url: &str) -> Items<Value, String> {
    let query = "query($after: String) {
        users(first: 50, after: $after) { edges { node { id name } } pageInfo { hasNextPage endCursor } }
    }";
    let graphql = client.endpoint(&format!("{url}/graphql"))?;
    Ok(graphql.by_relay_connection(GraphQlQuery::new(query, "/data/users")))
}

pub(super) fn fastapi_page(client: &Client, url: &str) -> Items<Row, PageNumber> {
    let docs = client.endpoint(&format!("{url}/page"))?;
    Ok(docs.items_at("/items").total_pages_at("/pages").by_page_number("page", 1).concurrency(3))
}

pub(super) fn fastapi_links(client: &Client, url: &str) -> Items<Row, String> {
    Ok(client.endpoint(&format!("{url}/links"))?.items_at("/items").by_next_url("/links/next"))
}

pub(super) fn json_server_1(client: &Client, url: &str) -> Items<Value, String> {
    // For every number beyond the last, the server returns the last page.
    Ok(client
        .endpoint(&format!("{url}/posts?_page=1&_per_page=50"))?
        .items_at("/data")
        .by_cursor("/next", "_page"))
}

pub(super) fn json_server_1_numbers(client: &Client, url: &str) -> Items<Value, PageNumber> {
    let posts = client.endpoint(&format!("{url}/posts?_per_page=50"))?;
    Ok(posts.items_at("/data").total_pages_at("/pages").by_page_number("_page", 1))
}

pub(super) fn verdaccio(client: &Client, url: &str) -> Items<Value, Offset> {
    let search = client.endpoint(&format!("{url}/-/v1/search?text=zz"))?;
    Ok(search.items_at("/objects").by_offset("from", "size", 10))
}

pub(super) fn kinto(client: &Client, url: &str) -> Items<Value, String> {
    let records = client.endpoint(&format!("{url}/v1/buckets/b/collections/c/records?_limit=50"))?;
    Ok(records.basic("a", "b").items_at("/data").by_next_url_header("Next-Page"))
}

pub(super) fn rabbitmq(client: &Client, url: &str) -> Items<Value, PageNumber> {
    let queues = client.endpoint(&format!("{url}/api/queues?page_size=20"))?;
    Ok(queues.basic("guest", "guest").items_at("/items").by_page_number("page", 1))
}

pub(super) fn etcd(client: &Client, url: &str) -> Items<Value, String> {
    let range = json!({ "key": BASE64.encode("k"), "range_end": BASE64.encode("l"), "limit": 50 });
    let range = client.endpoint(&format!("{url}/v3/kv/range"))?.json(&range)?.items_at("/kvs");
    Ok(range.by_response(
        |request, key: &String| request.json_at("/key", key),
        |response| {
            let last: Option<String> = response.at("/kvs/-1/key")?;
            // The first key after another is that key followed by a zero byte.
            let next = last.map(|key| BASE64.decode(key)).transpose()?;
            Ok(response.page(next.map(|key| BASE64.encode([&*key, b"\0"].concat())))?)
        },
    ))
}

pub(super) fn wordpress(client: &Client, url: &str) -> Items<Value, PageNumber> {
    let posts = client.endpoint(&format!("{url}/?rest_route=/wp/v2/posts&orderby=id&per_page=20"))?;
    Ok(posts.by_page_number("page", 1).concurrency(3))
}
