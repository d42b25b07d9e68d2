"""Fills a server with the items that tests/servers/table.rs expects. Usage: seed.py SERVER URL"""

import base64
import datetime
import hashlib
import hmac
import json
import sys
import time
import urllib.parse
import urllib.request


def send(method, url, body=b"", headers={}):
    if not isinstance(body, bytes):
        body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
    headers = {"Content-Type": "application/octet-stream", **headers}
    request = urllib.request.Request(url, body or None, headers, method=method)
    with urllib.request.urlopen(request) as response:
        return response.headers, response.read()


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def docker_registry(url):
    """250 repositories with one small manifest each."""
    blob = b"{}"
    digest = "sha256:" + hashlib.sha256(blob).hexdigest()
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": digest},
        "layers": [],
    }
    for i in range(250):
        headers, _ = send("POST", f"{url}/v2/repo-{i:03}/blobs/uploads/")
        target = headers["Location"]
        send("PUT", f"{target}{'&' if '?' in target else '?'}digest={digest}", blob)
        send("PUT", f"{url}/v2/repo-{i:03}/manifests/v1", manifest, {"Content-Type": kind})


def moto(url):
    import boto3

    def client(service):
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        return boto3.client(service, endpoint_url=url, region_name="us-east-1", **keys)

    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName="docs",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for first in range(0, 500, 25):
        items = [{"pk": {"S": f"p{i % 7}"}, "sk": {"N": str(i)}} for i in range(first, first + 25)]
        dynamodb.batch_write_item(RequestItems={"docs": [{"PutRequest": {"Item": item}} for item in items]})
    s3 = client("s3")
    s3.create_bucket(Bucket="docs")
    for i in range(350):
        s3.put_object(Bucket="docs", Key=f"k {i:04}&+é", Body=b"x")
    logs = client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    now = int(time.time() * 1000)
    events = [{"timestamp": now + i, "message": f"m{i}"} for i in range(420)]
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    cognito = client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="p")["UserPool"]["Id"]
    for i in range(130):
        cognito.admin_create_user(UserPoolId=pool, Username=f"user{i}")
    with open("pool", "w") as file:
        file.write(pool)
    sqs = client("sqs")
    for i in range(130):
        sqs.create_queue(QueueName=f"q{i:03}")


def azurite(url):
    """260 blobs in a public container, with the well-known key of the development account."""
    account = "devstoreaccount1"
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    def put(path, query={}, headers={}, body=b""):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = {"x-ms-date": now, "x-ms-version": "2020-10-02", "Content-Type": "text/plain", **headers}
        named = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-ms"))
        resource = f"/{account}/{account}{path}" + "".join(f"\n{name}:{query[name]}" for name in sorted(query))
        text = f"PUT\n\n\n{len(body) or ''}\n\ntext/plain\n\n\n\n\n\n\n{named}{resource}"
        mac = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256)
        headers["Authorization"] = f"SharedKey {account}:" + base64.b64encode(mac.digest()).decode()
        send("PUT", f"{url}/{account}{path}?{urllib.parse.urlencode(query)}", body, headers)

    put("/docs", {"restype": "container"}, {"x-ms-blob-public-access": "container"})
    for i in range(260):
        put(f"/docs/b{i:04}", {}, {"x-ms-blob-type": "BlockBlob"}, b"x")


def pouchdb_server(url):
    send("PUT", f"{url}/docs")
    send("POST", f"{url}/docs/_bulk_docs", {"docs": [{"_id": f"d{i:04}", "n": i} for i in range(530)]})


def verdaccio(url):
    """70 packages of one version each."""
    user = {"name": "u", "password": "passw0rd!"}
    token = json.loads(send("PUT", f"{url}/-/user/org.couchdb.user:u", user)[1])["token"]
    gzip = bytes.fromhex("1f8b08000000000000030300" + "00" * 8)
    for i in range(70):
        name = f"zz-{i:03}"
        file = f"{name}-1.0.0.tgz"
        version = {"name": name, "version": "1.0.0", "description": "zz"}
        version["dist"] = {"shasum": hashlib.sha1(gzip).hexdigest(), "tarball": f"{url}/{name}/-/{file}"}
        attachment = {"content_type": "application/octet-stream", "data": base64.b64encode(gzip).decode()}
        package = {
            "_id": name,
            "name": name,
            "dist-tags": {"latest": "1.0.0"},
            "versions": {"1.0.0": version},
            "_attachments": {file: {**attachment, "length": len(gzip)}},
        }
        send("PUT", f"{url}/{name}", package, {"Authorization": f"Bearer {token}"})


def kinto(url):
    collection = f"{url}/v1/buckets/b/collections/c"
    for path in [f"{url}/v1/buckets/b", collection]:
        send("PUT", path, {}, basic("a", "b"))
    for i in range(275):
        send("PUT", f"{collection}/records/r{i:03}", {"data": {"n": i}}, basic("a", "b"))


def rabbitmq(url):
    for i in range(130):
        send("PUT", f"{url}/api/queues/%2F/q{i:03}", {"durable": True}, basic("guest", "guest"))


def etcd(url):
    for i in range(260):
        key, value = (base64.b64encode(text.encode()).decode() for text in (f"k{i:04}" + "x" * (i % 3), str(i)))
        send("POST", f"{url}/v3/kv/put", {"key": key, "value": value})


if __name__ == "__main__":
    # Servers that are absent here have their items from the start.
    seed = globals().get(sys.argv[1].replace("-", "_"), lambda url: None)
    seed(sys.argv[2])
