#!/usr/bin/env python3
"""Draws man/session.svg, the picture in the README: python3 man/session.py target/debug/anyask

The program runs in a pseudo-terminal. A server in this script, which stands where a proxy would, answers for
api.anyrouter.top. The first batch is killed on its way.
"""

import codecs, fcntl, itertools, json, os, pty, re, signal, socketserver, struct, subprocess, sys, tempfile, termios
import threading, time
from html import escape
from pathlib import Path

COLUMNS = 80
COMMANDS = [
    'anyask -u --price 1,5 "How do I undo my last commit, but keep its changes?"',
    'anyask "Explain TLS in two sentences"; echo $?',
    'anyask -x --check "jq -e .name" "Invent a person as JSON"',
    'anyask --batch=reviews.txt -o out.jsonl --price 1,5 "Good or bad?"',
    'anyask --batch=reviews.txt -o out.jsonl --price 1,5 "Good or bad?" --resume',
    'anyask --replay answers.jsonl -u "Name a river"',
]
# words of the question, the answer, tokens in and out
ANSWERS = [
    ("undo", "**Move the branch back by one commit:**\n\n```sh\ngit reset --soft HEAD~1\n```\n", 21, 32),
    ("TLS", "TLS encrypts what two programs send to each other. First they agree on a", 15, None),
    ("checked your last answer", '```json\n{"name": "Ada", "age": 36}\n```', 84, 20),
    ("Invent a person", '```json\n{"age": 36}\n```', 14, 14),
    ("Good or bad", "good", 24, 4),
    ("Name a river", "The Danube", 10, 3),
]
BEFORE_KILL = 412  # answers of the first batch
FAILURE = 300  # this one of its items is refused
JOBS = 4  # requests under way, which are not answered
COLORS = {"": "#d1d7e0", "1": "#ffffff", "31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "36": "#79c0ff"}


class Server(socketserver.StreamRequestHandler):
    """Answers as the API does, with a stream that is cut where there is no number of tokens."""

    batch = itertools.count(1)

    def handle(self):
        while head := self.head():
            if head[0].startswith("CONNECT"):
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                continue
            length = next(int(line.split(":")[1]) for line in head if line.lower().startswith("content-length:"))
            request = self.rfile.read(length).decode()
            question = json.loads(request)["messages"][-1]["content"]
            answer = next(answer for answer in ANSWERS if answer[0] in question)
            number = next(self.batch) if answer[0] == "Good or bad" else 0
            if number:
                time.sleep(0.05 if number <= BEFORE_KILL else 600 if number <= BEFORE_KILL + JOBS else 0)
            if number == FAILURE:
                self.wfile.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
                continue
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
            self.wfile.write(b"transfer-encoding: chunked\r\n\r\n")
            for event in events(*answer[1:]):
                chunk = f"data: {json.dumps(event)}\n\n".encode()
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            if answer[3] is None:
                return
            self.wfile.write(b"0\r\n\r\n")

    def head(self):
        return list(iter(lambda: self.rfile.readline().decode().strip(), ""))


def events(text, tokens_in, tokens_out):
    usage = {"input_tokens": tokens_in, "output_tokens": 0}
    yield {"type": "message_start", "message": {"usage": usage}}
    for word in re.findall(r"\s*\S+\s*", text):
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
    if tokens_out is not None:
        yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": tokens_out}}
        yield {"type": "message_stop"}


class Screen:
    """A terminal that knows what the program uses: colours, returns, and clearing a line."""

    def __init__(self):
        self.rows, self.column, self.style = [[]], 0, ""

    def feed(self, text):
        for sequence, char in re.findall(r"\x1b\[([\d;?]*[A-Za-z])|(.|\n)", text):
            if sequence:
                self.control(sequence)
            elif char == "\n":
                self.rows.append([])
            elif char == "\r":
                self.column = 0
            else:
                self.put(char)

    def put(self, char):
        if self.column == COLUMNS:
            self.rows.append([])
            self.column = 0
        row = self.rows[-1]
        row.extend([(" ", "")] * (self.column + 1 - len(row)))
        row[self.column] = (char, self.style)
        self.column += 1

    def control(self, sequence):
        if sequence == "2K":
            self.rows[-1] = []
        elif sequence.endswith("m"):
            self.style = "" if sequence in ("m", "0m") else sequence[:-1]
        elif not sequence.endswith(("h", "l")):
            sys.exit(f"the screen does not know the sequence ESC [ {sequence}")

    def text(self):
        return "\n".join("".join(char for char, _ in row).rstrip() for row in self.rows)


def run(command, screen, environment):
    """Runs the command to its end, or until the first batch is where it is killed."""
    process, terminal = pty.fork()
    if process == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        os.execvpe("sh", ["sh", "-c", command], environment)
    decoder = codecs.getincrementaldecoder("utf-8")()
    before = screen.text()
    while f" {BEFORE_KILL}/" not in screen.text() or f" {BEFORE_KILL}/" in before:
        try:
            output = os.read(terminal, 4096)
        except OSError:  # Linux ends a pseudo-terminal with an error
            output = b""
        if not output:
            break
        screen.feed(decoder.decode(output))
    else:
        os.killpg(process, signal.SIGKILL)
        screen.feed("\r\nKilled\r\n")  # as the shell says
    os.waitpid(process, 0)
    os.close(terminal)


def svg(rows):
    width, height, margin = 8.4, 19, 16  # of a cell, and around the text
    size = f"{COLUMNS * width + 2 * margin:.0f}", f"{len(rows) * height + 2 * margin:.0f}"
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}" height="{size[1]}"'
    yield ' font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14">'
    yield "<title>anyask in a terminal: an answer that is cut off, a checked answer, a resumed batch, a replay</title>"
    yield f'<rect x=".5" y=".5" width="{int(size[0]) - 1}" height="{int(size[1]) - 1}" rx="8" fill="#0d1117" stroke="#444c56"/>'
    for number, row in enumerate(rows):
        column = 0
        for style, cells in itertools.groupby(row, key=lambda cell: (cell[1], cell[0] if cell[0] in "█░" else "")):
            text = "".join(char for char, _ in cells)
            x, top = margin + column * width, margin + number * height
            column += len(text)
            parts = style[0].split(";")
            color = COLORS[parts[-1]]
            if style[1]:
                fill = color if style[1] == "█" else "#30363d"
                yield f'<rect x="{x:.1f}" y="{top + 4}" width="{len(text) * width:.1f}" height="{height - 7}" fill="{fill}"/>'
            elif text.strip():
                x, text = x + (len(text) - len(text.lstrip())) * width, text.strip()
                bold = ' font-weight="bold"' if "1" in parts else ""
                yield f'<text x="{x:.1f}" y="{top + 14}" fill="{color}"{bold} textLength="{len(text) * width:.1f}"'
                yield f' lengthAdjust="spacingAndGlyphs" xml:space="preserve">{escape(text)}</text>'
    yield "</svg>"


def main(program):
    socketserver.ThreadingTCPServer.daemon_threads = True
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    screen = Screen()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("config/anyask").mkdir(parents=True)
        Path("config/anyask/config").write_text("--allow-http\n")
        Path("reviews.txt").write_text("".join(f"review {number}\n" for number in range(1000)))
        environment = {
            "PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": folder, "XDG_CONFIG_HOME": folder + "/config",
            "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "ANYROUTER_API_KEY": "none",
            "ANYROUTER_BASE_URL": "http://api.anyrouter.top", "http_proxy": f"http://127.0.0.1:{server.server_address[1]}",
        }
        subprocess.run(["anyask", "--record", "answers.jsonl", "Name a river"], env=environment, check=True)
        for command in COMMANDS:
            screen.feed(f"\x1b[32m$\x1b[0m \x1b[1m{command}\x1b[0m\r\n")
            run(command, screen, environment)
            screen.feed("\r\n")
        while not screen.rows[-1]:
            screen.rows.pop()
    print(screen.text())
    return "\n".join(svg(screen.rows)) + "\n"


if __name__ == "__main__":
    target = Path(__file__).with_name("session.svg").resolve()
    target.write_text(main(Path(sys.argv[1]).resolve()))
