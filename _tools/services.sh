# What the integration tests run against: other people's tools and servers, taken from packages
# into $CACHE. Sourced by .ci/run, or by hand:
#
#   source _tools/services.sh && fetch_all && start_all && deno task test:integration; stop_all
#
# To add the server X: write fetch_x (puts it into $CACHE) and start_x (calls `start x …`, waits for
# its port, exports KIT_X for the tests), and name it in fetch_all and start_all.

CACHE="${CACHE:-$PWD/.cache}"
SERVICE_PIDS=()

# retry COMMAND...: up to four times, for what goes over the network.
retry() {
  local wait
  for wait in 2 5 10; do
    "$@" && return
    echo "failed, again in $wait s: $*" >&2
    sleep "$wait"
  done
  "$@"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# apt_install PACKAGE...: installs packages of Debian's, and no more than they need.
apt_install() {
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends)
  # A fresh machine has no package lists yet, and the ones of an old one name files that are gone.
  as_root "${install[@]}" "$@" > /dev/null 2>&1 ||
    { retry as_root apt-get update -qq && retry as_root "${install[@]}" "$@" > /dev/null; }
}

# deb NAME: unpacks Debian's package, without installing it, into $CACHE/deb/NAME.
deb() {
  local folder="$CACHE/deb/$1"
  [ -e "$folder/.done" ] && return
  rm -rf "$folder" && mkdir -p "$folder"
  # A fresh machine has no package lists yet, and the ones of an old one name files that are gone.
  (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root "$1") ||
    { retry as_root apt-get update -qq && (cd "$folder" && retry apt-get download -qq -o APT::Sandbox::User=root "$1"); }
  dpkg -x "$folder"/*.deb "$folder" && touch "$folder/.done"
}

# python_packages FOLDER MODULE PACKAGE...: installs packages of Python into a folder, unless MODULE,
# the last of them, is there.
python_packages() {
  local folder="$1" module="$2"
  shift 2
  [ -d "$folder/$module" ] ||
    retry python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
      --target "$folder" "$@"
}

# go_build SOURCES OUT [PACKAGE...]: builds what is in a folder, with the Go that is there.
go_build() {
  local sources="$1" out="$2"
  shift 2
  (cd "$sources" && GOTOOLCHAIN=local retry go build -o "$out" "${@:-.}")
}

# start NAME COMMAND...: runs a server until stop_all; what it prints is in $CACHE/logs/NAME.log.
start() {
  local name="$1"
  shift
  mkdir -p "$CACHE/logs"
  "$@" > "$CACHE/logs/$name.log" 2>&1 < /dev/null &
  SERVICE_PIDS+=("$!")
}

# wait_for_port PORT [SECONDS]
wait_for_port() {
  local end=$((SECONDS + ${2:-30}))
  until (: < "/dev/tcp/127.0.0.1/$1") 2> /dev/null; do
    if [ "$SECONDS" -ge "$end" ]; then
      echo "nothing listens on port $1" >&2
      return 1
    fi
    sleep 0.2
  done
}

stop_all() {
  local pid
  for pid in "${SERVICE_PIDS[@]}"; do
    kill "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
  done
  SERVICE_PIDS=()
}

# Checks that what /metrics says is the text format: `promtool check metrics`.
fetch_promtool() {
  deb prometheus
  export KIT_PROMTOOL="$CACHE/deb/prometheus/usr/bin/promtool"
}

# Parses /metrics as Prometheus' own Python client does.
fetch_prometheus_client() {
  local folder="$CACHE/python"
  python_packages "$folder" prometheus_client prometheus_client==0.26.0
  export PYTHONPATH="$folder${PYTHONPATH:+:$PYTHONPATH}"
}

# A third runtime for the core.
fetch_bun() {
  local folder="$CACHE/bun"
  [ -d "$folder/node_modules/@oven" ] ||
    retry npm install --prefix "$folder" --no-audit --no-fund --loglevel=error \
      @oven/bun-linux-x64@1.4.5
  export KIT_BUN="$folder/node_modules/@oven/bun-linux-x64/bin/bun"
}

# A ZooKeeper server, which the tests start by themselves, and kazoo, Python's client for it.
fetch_zookeeper() {
  local name jars="" folder="$CACHE/kazoo"
  command -v java > /dev/null || apt_install default-jre-headless
  for name in libzookeeper-java libdropwizard-metrics-java libsnappy-java libslf4j-java; do deb "$name"; done
  for name in libzookeeper-java/{zookeeper,zookeeper-jute} libdropwizard-metrics-java/metrics-core \
    libsnappy-java/snappy-java libslf4j-java/slf4j-{api,nop}; do
    jars+="${jars:+:}$CACHE/deb/${name%/*}/usr/share/java/${name#*/}.jar"
  done
  export KIT_ZOOKEEPER_CLASSPATH="$jars"
  python_packages "$folder" kazoo kazoo==2.10.0
  export KIT_KAZOO="$folder"
}

# A DNS server, and the libraries of it that are not everywhere.
fetch_dnsmasq() {
  local package libraries=""
  deb dnsmasq-base
  for package in libjansson4 libmnl0 libnetfilter-conntrack3 libnfnetlink0 libnftables1 \
    libnftnl11 libxtables12; do
    deb "$package"
    libraries+="$CACHE/deb/$package/usr/lib/$(uname -m)-linux-gnu:"
  done
  export KIT_DNSMASQ="$CACHE/deb/dnsmasq"
  printf '#!/bin/sh\nexec env LD_LIBRARY_PATH="%s" "%s" "$@"\n' \
    "$libraries" "$CACHE/deb/dnsmasq-base/usr/sbin/dnsmasq" > "$KIT_DNSMASQ"
  chmod +x "$KIT_DNSMASQ"
}

# An etcd server, which the tests start by themselves, its own client, and Go kit's.
fetch_etcd() {
  deb etcd-server
  deb etcd-client
  export KIT_ETCD="$CACHE/deb/etcd-server/usr/bin/etcd"
  export KIT_ETCDCTL="$CACHE/deb/etcd-client/usr/bin/etcdctl"
  if command -v go > /dev/null; then
    export KIT_ETCD_GOKIT="$CACHE/go-kit-etcd"
    go_build sd/etcd/testdata/go-kit "$KIT_ETCD_GOKIT"
  fi
}

# An agent of Consul, which the tests start by themselves. Debian no longer has a package of it, so
# the module is built: some minutes the first time.
fetch_consul() {
  export KIT_CONSUL="$CACHE/consul/consul"
  [ -x "$KIT_CONSUL" ] ||
    (cd _tools/testdata/consul && retry go build -o "$KIT_CONSUL" github.com/hashicorp/consul)
}

# gRPC's own interoperability tests in Go, grpcurl, and gRPC for Python.
fetch_grpc() {
  local folder="$CACHE/grpcio"
  export KIT_GRPC_GO="$CACHE/grpc-go/grpc-go" KIT_GRPCURL="$CACHE/grpc-go/grpcurl"
  mkdir -p "$CACHE/grpc-go"
  go_build transport/grpc/testdata/grpc-go "$CACHE/grpc-go/" \
    . github.com/fullstorydev/grpcurl/cmd/grpcurl
  python_packages "$folder" grpc_status grpcio==1.85.1 \
    grpcio-{health-checking,reflection,status}==1.85.1
  export KIT_GRPC_PYTHON="$folder"
}

# A RabbitMQ server, which the tests start by themselves, pika, Python's client for it, and Go kit's.
# Erlang comes in many packages, which have to lie in one folder.
fetch_rabbitmq() {
  local name folder="$CACHE/rabbitmq"
  if [ ! -e "$folder/.done" ]; then
    rm -rf "$folder" && mkdir -p "$folder"
    for name in rabbitmq-server erlang-{base,asn1,crypto,eldap,inets,mnesia,os-mon} \
      erlang-{parsetools,public-key,runtime-tools,ssl,syntax-tools,tools,xmerl}; do
      deb "$name"
      cp -a "$CACHE/deb/$name/usr" "$folder"
    done
    sed -i "s|ROOTDIR=/usr/lib/erlang$|ROOTDIR=\"$folder/usr/lib/erlang\"|" "$folder/usr/lib/erlang/bin/erl"
    touch "$folder/.done"
  fi
  # The node takes its settings from RABBITMQ_* in the environment.
  export KIT_RABBITMQ="$folder"
  printf '#!/bin/sh\nPATH="%s/usr/lib/erlang/bin:$PATH" exec "%s" "$@"\n' "$folder" \
    "$(echo "$folder"/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server)" > "$folder/server"
  chmod +x "$folder/server"
  python_packages "$CACHE/pika" pika pika==1.3.2
  export KIT_PIKA="$CACHE/pika"
  if command -v go > /dev/null; then
    export KIT_AMQP_GOKIT="$CACHE/go-kit-amqp"
    go_build transport/amqp/testdata/gokit "$KIT_AMQP_GOKIT"
  fi
}

# A NATS server, which the tests start by themselves, Go kit's client for it, and Python's.
fetch_nats() {
  local folder="$CACHE/nats-py"
  deb nats-server
  export KIT_NATS_SERVER="$CACHE/deb/nats-server/usr/sbin/nats-server"
  python_packages "$folder" nats nats-py==2.16.0
  export KIT_NATS_PYTHON="$folder"
  if command -v go > /dev/null; then
    export KIT_NATS_GOKIT="$CACHE/go-kit-nats"
    go_build transport/nats/testdata/gokit "$KIT_NATS_GOKIT"
  fi
}

# Go kit's and Python's JSON-RPC, each as server and as client.
fetch_jsonrpc() {
  local folder="$CACHE/jsonrpclib"
  if command -v go > /dev/null; then
    export KIT_JSONRPC_GOKIT="$CACHE/go-kit-jsonrpc"
    go_build transport/jsonrpc/testdata/gokit "$KIT_JSONRPC_GOKIT"
  fi
  python_packages "$folder" jsonrpclib jsonrpclib-pelix==1.2.0
  export KIT_JSONRPC_PYTHON="$folder"
}

# Apache Thrift's own libraries of Python and Go, with code that its compiler makes of our IDL.
fetch_thrift() {
  local sources="$PWD/transport/thrift/testdata" folder="$CACHE/thrift"
  local idl="$sources/gauntlet.thrift"
  local compiler="$CACHE/deb/thrift-compiler/usr/bin/thrift"
  deb thrift-compiler
  mkdir -p "$folder/go"
  python_packages "$folder/python" thrift thrift==0.24.0
  "$compiler" --gen py -out "$folder/python" "$idl"
  export KIT_THRIFT_PYTHON="$folder/python"
  if command -v go > /dev/null; then
    cp "$sources"/go/* "$folder/go"
    "$compiler" --gen go:package_prefix=kit/thriftpeer/,skip_remote -out "$folder/go" "$idl"
    export KIT_THRIFT_GO="$folder/go/peer"
    go_build "$folder/go" "$KIT_THRIFT_GO"
  fi
}

# Go's own net/rpc and encoding/gob.
fetch_netrpc() {
  command -v go > /dev/null || return 0
  export KIT_NETRPC="$CACHE/go-netrpc"
  go_build transport/netrpc/testdata/go "$KIT_NETRPC"
}

# Go kit's service that adds, and its client.
fetch_addsvc() {
  command -v go > /dev/null || return 0
  export KIT_ADDSVC_GOKIT="$CACHE/go-kit-addsvc"
  go_build examples/testdata/addsvc "$KIT_ADDSVC_GOKIT/" \
    github.com/go-kit/kit/examples/addsvc/cmd/{addsvc,addcli}
}

# AWS's own runtime interface client for Node, whose native part is built, and AWS's types and sample
# events for Go.
fetch_lambda() {
  local tool folder="$CACHE/lambda" go=transport/awslambda/testdata/go
  for tool in cmake make g++; do
    command -v "$tool" > /dev/null || apt_install "$tool"
  done
  # The headers of the Node that is there do; to fetch others takes a host that may be out of reach.
  [ -e "$folder/node_modules/aws-lambda-ric/rapid-client.node" ] ||
    npm_config_nodedir="$(cd "$(dirname "$(command -v node)")/.." && pwd)" retry npm install --prefix "$folder" --no-audit --no-fund --loglevel=error aws-lambda-ric@4.0.2
  export KIT_LAMBDA_RIC="$folder/node_modules/aws-lambda-ric/index.mjs"
  if command -v go > /dev/null; then
    export KIT_LAMBDA_GO="$folder/go"
    go_build "$go" "$KIT_LAMBDA_GO"
    KIT_LAMBDA_EVENTS="$(cd "$go" && go list -m -f '{{.Dir}}' github.com/aws/aws-lambda-go)/events/testdata"
    export KIT_LAMBDA_EVENTS
  fi
}

# Python's clients and servers of WebSocket and of Server-Sent Events.
fetch_streams() {
  local folder="$CACHE/streams"
  python_packages "$folder" sse_starlette websockets==17.4 httpx==0.28.1 httpx-sse==0.4.3 \
    sse-starlette==3.7.0 uvicorn==0.54.0
  export KIT_STREAMS="$folder"
}

# A browser: some hundred MB the first time.
fetch_chromium() {
  command -v chromium > /dev/null || apt_install chromium
  KIT_CHROMIUM="$(command -v chromium)"
  export KIT_CHROMIUM
}

fetch_all() {
  local jobs
  # What is built for minutes goes on beside the rest, which waits for the network.
  (fetch_consul) &
  jobs=("$!")
  (fetch_lambda) &
  jobs+=("$!")
  fetch_promtool
  fetch_prometheus_client
  fetch_bun
  fetch_etcd
  fetch_zookeeper
  fetch_dnsmasq
  fetch_grpc
  fetch_rabbitmq
  fetch_nats
  fetch_jsonrpc
  fetch_thrift
  fetch_netrpc
  fetch_addsvc
  fetch_streams
  fetch_chromium
  wait "${jobs[@]}"
  fetch_consul
  fetch_lambda
}

start_all() {
  :
}
