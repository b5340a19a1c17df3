//! What `--help` prints.

pub const TEXT: &str = "\
redis-benchmark 7.0.15 (ochre)

Usage: ochre benchmark [OPTIONS] [COMMAND [ARGUMENT ...]]

Without a command, the tests of the suite run, one after the other.

Where to connect
  -h HOST               the server's name or address (127.0.0.1)
  -p PORT               its port (6379)
  -s SOCKET             a Unix socket instead
  -u URI                redis://[[USER:]PASSWORD@]HOST[:PORT][/DB], rediss:// for TLS
  -a PASSWORD           the password
  --user NAME           whose password it is
  --dbnum DB            the db to select
  -3                    speak RESP3
  --cluster             send to all masters of a cluster; keys of a command hold {tag}, and
                        requests follow slots that move
  --enable-tracking     have the server track what is read

TLS
  --tls                 encrypt the connections
  --sni HOST            the name to ask for
  --cacert FILE, --cacertdir FOLDER
                        whom to trust instead of whom the system trusts
  --insecure            trust whoever answers
  --cert FILE, --key FILE
                        our own certificate
  --tls-ciphers LIST, --tls-ciphersuites LIST
                        the only suites to offer, separated by colons

What to send
  -t TESTS              only these tests, separated by commas: ping_inline, set, lrange_100, ...
  -n REQUESTS           how many requests a test has (100000)
  -c CLIENTS            over how many connections (50)
  -P REQUESTS           how many requests are sent at once (1)
  -d BYTES              the size of values (3); in a command, __data__ is such a value
  -r NUMBERS            __rand_int__ becomes one of so many numbers, with each request another
  -k 0|1                0 connects anew for every request (1)
  -x                    the command's last argument is the standard input
  --threads THREADS     send from several threads
  --seed NUMBER         draw the same numbers every time
  -l                    begin again when all tests are done
  -I                    only open the connections, and keep them

How to measure
  --warmup SECONDS      send for so long before anything counts
  --rate NUMBER         so many requests a second, whether or not the server keeps up; a latency
                        counts from the time when its request was due
  --compare HOST:PORT HOST:PORT
                        measure two servers in turns, and print medians and ratios
  --rounds NUMBER       how often each of the two is measured (5)
  --cpu                 tell the processor's time that a request took, here and there

What to print
  -q                    a line for each test
  --csv                 for programs
  --json                the same, an object in a line for each test, with processor's times
  --precision DIGITS    the significant digits of latencies (3)

  --help, --version

  $ ochre benchmark -t set,get -n 1000000 -P 16 -q
  $ ochre benchmark -r 10000 -n 10000 LPUSH list __rand_int__
  $ ochre benchmark --rate 20000 --warmup 2 -t get --json
  $ ochre benchmark --compare 10.0.0.1:6379 10.0.0.2:6379 -t set,get
";
