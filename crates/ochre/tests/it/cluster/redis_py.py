"""Works with a cluster through redis-py until it is told to end.

Each line it reads is a word: "check" makes it compare what it was told with what is held, "end"
the same, and ends it. It answers with how many steps were made, how many of them failed, and how
many values are wrong.
"""

import select
import sys

from redis.cluster import RedisCluster
from redis.exceptions import RedisError

client = RedisCluster(
    host="127.0.0.1", port=int(sys.argv[1]), decode_responses=True, socket_timeout=2
)
# What was confirmed last, and what may have been written since without being confirmed.
wanted = {}
unsure = {}


class Stale(Exception):
    """What was just confirmed is not there."""


def expect(held, value):
    if held != value:
        raise Stale(f"{held} is not {value}")


def write(names, value, perform):
    """Values whose writing failed may be there or not."""
    for name in names:
        unsure.setdefault(name, set()).add(value)
    perform()
    for name in names:
        wanted[name] = value
        unsure[name] = set()


def step(number):
    value = str(number)
    name = f"work:{number % 500}"
    write([name], value, lambda: client.set(name, value))
    expect(client.get(name), value)

    tag = f"{{tag:{number % 100}}}"
    pair = [tag + ":a", tag + ":b"]

    def pipe():
        with client.pipeline() as pipeline:
            for one in pair:
                pipeline.set(one, value)
            pipeline.get(pair[0])
            pipeline.get(pair[1])
            answers = pipeline.execute()
        expect(answers[2:], [value, value])

    write(pair, value, pipe)

    both = [tag + ":c", tag + ":d"]
    write(both, value, lambda: client.mset(dict.fromkeys(both, value)))
    expect(client.mget(both), [value, value])


def check():
    wrong = 0
    for name, value in wanted.items():
        held = client.get(name)
        if held != value and held not in unsure[name]:
            wrong += 1
    return wrong


number = 0
steps = failed = stale = 0
while True:
    if select.select([sys.stdin], [], [], 0)[0]:
        word = sys.stdin.readline().strip()
        wrong = check() + stale
        print(steps, failed, wrong, flush=True)
        if word != "check":
            break
        steps = failed = stale = 0
        wanted.clear()
        unsure.clear()
    number += 1
    try:
        step(number)
        steps += 1
    except RedisError:
        failed += 1
    except Stale:
        stale += 1
