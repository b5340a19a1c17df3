//! What `--help` prints.

pub const TEXT: &str = "\
redis-cli 7.0.15 (ochre)

Usage: ochre cli [OPTIONS] [COMMAND [ARGUMENT ...]]

Without a command, a shell. Type 'help' there.

Where to connect
  -h HOST               the server's name or address (127.0.0.1)
  -p PORT               its port (6379)
  -s SOCKET             a Unix socket instead
  -u URI                redis://[[USER:]PASSWORD@]HOST[:PORT][/DB], rediss:// for TLS
  -t SECONDS            how long to wait for a connection
  -4, -6                prefer IPv4 or IPv6 addresses
  -n DB                 the db to select
  -a, --pass PASSWORD   the password; safer in the environment, as REDISCLI_AUTH
  --user NAME           whose password it is
  --askpass             ask for the password
  --no-auth-warning     do not warn of a password on the command line
  -2, -3                speak RESP2 or RESP3
  -c                    follow a cluster's redirections

TLS
  --tls                 encrypt the connection
  --sni HOST            the name to ask for
  --cacert FILE, --cacertdir FOLDER
                        whom to trust instead of whom the system trusts
  --insecure            trust whoever answers
  --cert FILE, --key FILE
                        our own certificate
  --tls-ciphers LIST, --tls-ciphersuites LIST
                        the only suites to offer, separated by colons

What to send
  -r TIMES              run the command so often; -1 is forever
  -i SECONDS            wait so long after each time
  -x                    the last argument is the standard input
  -X TAG                the argument TAG is the standard input
  --quoted-input        arguments are quoted, as in the shell: '\"\\x00\"'
  --eval FILE [KEY ...] [, ARGUMENT ...]
                        run a Lua script
  --ldb, --ldb-sync-mode
                        debug that script, on a copy of the data or on the data

What to print
  --raw, --no-raw       bytes as they are, the default for files and pipes; or text for people
  -d TEXT, -D TEXT      what stands between elements, and behind a reply, in raw format
  --csv, --json, --quoted-json
                        for programs; quoted JSON is ASCII
  --show-pushes yes|no  whether to print what the server sends unasked
  -e                    an error goes to the standard error, and ends with 1
  --verbose             say more

Modes
  --stat                figures of the server, every second or as -i says
  --latency             how long a round trip takes
  --latency-history     the same, a line for every 15 seconds
  --latency-dist        the same, as a spectrum; --mono without colours
  --intrinsic-latency SECONDS
                        how long this machine interrupts a program
  --scan                list keys; --pattern, --quoted-pattern, --count
  --bigkeys             the keys with the most elements
  --memkeys, --memkeys-samples N
                        the keys that take the most memory
  --hotkeys             the keys used most, where the eviction policy counts
  --lru-test KEYS       how well a cache of so many keys does
  --replica             print what a replica receives
  --rdb FILE, --functions-rdb FILE
                        save a snapshot, or its functions; '-' is the standard output
  --pipe                send the standard input as it is, and count replies
  --pipe-timeout SECONDS
                        how long to wait for the last reply (30)
  --top                 a screen of live figures
  --cluster COMMAND ... the cluster manager; --cluster help lists its commands

  --help, --version
";
