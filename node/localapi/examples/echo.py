#!/usr/bin/env python3
"""A bot that says again what people say to it, each message once.

Usage: echo.py SOCKET FILE, with the socket that "qpc paths" names. FILE keeps the id
of the last event that was answered: after a restart of the bot, of curl or of the
node it goes on from there.
"""
import json, subprocess, sys, time

socket, file = sys.argv[1], sys.argv[2]
curl = ["curl", "-sSN", "--unix-socket", socket]


def say(to, text):
    body = json.dumps({"contact": to, "text": text})
    subprocess.run(curl + ["-f", "-d", body, "http://qpc/v1/messages"], check=True, stdout=subprocess.DEVNULL)


while True:
    try:
        last = open(file).read()
    except FileNotFoundError:
        last = "0"
    events = subprocess.Popen(curl + ["-H", "Last-Event-ID: " + last, "http://qpc/v1/events"], stdout=subprocess.PIPE, text=True)
    for line in events.stdout:
        if line.startswith("id: "):
            last = line[4:].strip()
        elif line.startswith("data: "):
            event = json.loads(line[6:])
            if event["event"] == "message":
                say(event["message"].get("group") or event["contact"]["identity"], "you said: " + event["message"]["text"])
        elif line == "\n":
            open(file, "w").write(last)
    time.sleep(0.2)
