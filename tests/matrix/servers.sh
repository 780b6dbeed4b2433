# servers.sh - rows of the matrix: servers, on unix sockets or a loopback port,
# with a client that loads them. languages.sh says how a row is written.
free_port() {
    /usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
#: redis | package: redis-server | varies: threads fds
serve redis-server --port 0 --unixsocket r.sock --save '' --logfile log
wait_until test -S r.sock
redis-benchmark -s r.sock -n 20000 -r 5000 -q -t set,lpush,lrange_100,hset >/dev/null
redis-cli -s r.sock flushall; redis-cli -s r.sock rpush l a b c
redis-cli -s r.sock debug populate 20000; redis-cli -s r.sock bgsave
wait_until sh -c 'redis-cli -s r.sock info persistence | grep -q in_progress:0'
redis-cli -s r.sock dbsize; finish TERM
#: redis suite | package: redis-server redis-tools | source: redis | varies: processes fds threads
said() { sed 's/\x1b\[[0-9;]*m//g' | grep -oE '\[(ok|err|exception)\]: [^(]*|All tests passed' | sort; }
tar xf "$MATRIX_SOURCES"/redis_*.orig.tar.gz --strip-components=1
for program in server cli benchmark check-aof check-rdb; do ln -s /usr/bin/redis-$program src; done
run tclsh8.6 tests/test_helper.tcl --single unit/type/hash --single unit/type/set \
    --single unit/type/string --single unit/multi --clients 1 --baseport 29111 2>&1 | said
#: memcached | few: keeps items in slabs | varies: threads fds err
serve memcached -u root -s m.sock -t 2
wait_until test -S m.sock
/usr/bin/python3 - <<'END'
import socket
s = socket.socket(socket.AF_UNIX); s.connect("m.sock"); f = s.makefile("rwb")
for i in range(5000):
    v = b"x" * (i % 900); f.write(b"set k%d 0 0 %d\r\n%s\r\n" % (i, len(v), v)); f.flush()
    assert f.readline() == b"STORED\r\n"
n = 0
for i in range(5000):
    f.write(b"get k%d\r\n" % i); f.flush()
    while (line := f.readline()) != b"END\r\n": n += len(line)
print(n)
for i in range(300): t = socket.socket(socket.AF_UNIX); t.connect("m.sock"); t.close()
END
finish TERM
#: nginx | package: nginx-light
mkdir -p w/logs; port=$(free_port)
awk 'BEGIN { for (i = 0; i < 2000; i++) print i, i * 7919 }' >w/file; chmod -R a+rX .
cat >w/nginx.conf <<END
daemon off; worker_processes 2; error_log logs/error.log; pid logs/pid; user root;
events { worker_connections 256; }
http { access_log off; gzip on; gzip_types text/plain; default_type text/plain;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;
  uwsgi_temp_path t4; scgi_temp_path t5;
  server { listen 127.0.0.1:$port; root $PWD/w; } }
END
serve nginx -p $PWD/w -c nginx.conf -e logs/error.log
wait_until curl -fs http://127.0.0.1:$port/file
wrk -t1 -c16 -d1s http://127.0.0.1:$port/file | grep -c Non-2xx || :
wrk -t1 -c16 -d1s -H 'Accept-Encoding: gzip' http://127.0.0.1:$port/file | grep -c Requests/sec
curl -s --compressed http://127.0.0.1:$port/file | sha256sum
kill -HUP $served; sleep 0.3; curl -fs http://127.0.0.1:$port/file | wc -l
finish QUIT
#: postgres | package: postgresql-15 | varies: processes fds
user=$(id -un); [ "$user" != root ] || user=postgres
bin=/usr/lib/postgresql/15/bin
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }
[ "$(id -u)" != 0 ] || chown postgres . "$PREPROF_DIR"
as $bin/initdb -D d -A trust -N >/dev/null
cat >>d/postgresql.conf <<END
listen_addresses = ''
unix_socket_directories = '$PWD'
fsync = off
autovacuum = off
logging_collector = off
END
run as $bin/postgres -D d 2>log & served=$!
wait_until as $bin/psql -h $PWD -d postgres -c 'select 1'
as $bin/pgbench -h $PWD -i -s 1 -q postgres 2>/dev/null
as $bin/pgbench -h $PWD -c 4 -t 200 -n postgres 2>/dev/null | grep -E 'actually|failed'
as $bin/psql -h $PWD -At postgres -c 'select count(*) from pgbench_history' \
    -c "select md5(string_agg(i::text, ',')) from generate_series(1, 100000) i" \
    -c "select count(*) from (select i from generate_series(1, 200000) i order by md5(i::text)) x"
pid=$(head -n 1 d/postmaster.pid); kill -INT $pid; wait $served && echo 0 || echo $?
#: curl | varies: err
port=$(free_port); mkdir d; for i in $(seq 40); do seq $((i * 100)) >d/$i; done
/usr/bin/python3 -m http.server -b 127.0.0.1 -d d $port 2>/dev/null >/dev/null & server=$!
wait_until curl -fs http://127.0.0.1:$port/1
run curl -sZ --no-progress-meter "http://127.0.0.1:$port/[1-40]" -o 'out#1'; cat out* | sha256sum
for i in 1 2 3 4 5 6 7 8; do run curl -s -D - -o /dev/null http://127.0.0.1:$port/$i | head -n 1; done
run curl -s http://127.0.0.1:$port/missing -w '%{http_code}\n' -o /dev/null
kill $server
#: wget
port=$(free_port); mkdir d; for i in $(seq 250); do seq $i >d/$i; done
/usr/bin/python3 -m http.server -b 127.0.0.1 -d d $port 2>/dev/null >/dev/null & server=$!
wait_until curl -fs http://127.0.0.1:$port/1
run wget -q -r -nH -np -P got http://127.0.0.1:$port/; cat got/[0-9]* | sha256sum
kill $server
#: php -S | package: php8.2-cli | few: its requests allocate by Zend's pages
port=$(free_port); echo '<?php echo str_repeat("x", 1000), count(range(1, 5000));' >i.php
export USE_ZEND_ALLOC=0; serve php -n -S 127.0.0.1:$port 2>/dev/null
wait_until curl -fs http://127.0.0.1:$port/i.php
for i in $(seq 30); do curl -s http://127.0.0.1:$port/i.php; done | sha256sum
finish INT
#: node server | package: nodejs | varies: threads fds
port=$(free_port)
cat >s.js <<'END'
require("http").createServer((q, r) => r.end(JSON.stringify({ u: q.url, a: Array(500).fill(7) })))
    .listen(process.argv[2], "127.0.0.1");
process.on("SIGTERM", () => process.exit(5));
END
serve node s.js $port; wait_until curl -fs http://127.0.0.1:$port/
wrk -t1 -c8 -d2s http://127.0.0.1:$port/x | grep -c Non-2xx || :
curl -s http://127.0.0.1:$port/y | sha256sum; finish TERM
