//! The prose of the man page. `page` makes the page from it.

use anyask::error::Kind;

/// Every exit status that the manual explains, in order.
pub const STATUSES: [(Kind, &str); 15] = [
    (Kind::ReaderGone, "answered"),
    (Kind::Local, "a local failure: a file or stdout could not be read or written"),
    (Kind::Usage, "usage: an unknown flag, a bad value, no prompt, binary input"),
    (Kind::Setup, "not set up: no API key, a bad configuration file or profile"),
    (Kind::Refused, "the server refused the request: 400, 404, 413, 422, any other 3xx or 4xx"),
    (Kind::KeyRejected, "the key was not accepted: 401"),
    (
        Kind::NotPermitted,
        "out of credits, or not permitted: 402, 403, below --min-credits, --max-cost reached",
    ),
    (Kind::RateLimited, "rate limited: 429, after the retries"),
    (Kind::ServerFailed, "the server failed: 5xx, 529, after the retries"),
    (Kind::NoConnection, "no connection: name look-up, connect, TLS, proxy, time-out, --max-time"),
    (
        Kind::BrokenAnswer,
        "a broken answer: the stream ended early, not JSON, no content, no code block to extract",
    ),
    (Kind::StoppedShort, "the answer stopped short, under --strict"),
    (Kind::ItemsFailed, "some items of a batch failed"),
    (Kind::CheckFailed, "the answer did not pass --check"),
    (Kind::NoRecording, "no recorded answer for a request, under --replay"),
];

/// What the page says before the flags.
pub const FLAGS: &str = "If a flag is given twice, its last value counts. If its help says repeatable, every value counts; but of two headers, fields, aliases or prices with the same name, only the last one. A flag is as old as version 0.1, unless its help ends with Since.";

/// What the page says after the exit statuses.
pub const STATUSES_MORE: [&str; 2] = [
    "Text that was already printed stays on standard output in every case. If the reader of a pipe goes away, the program ends quietly with 0. A signal ends the program by that signal: after Ctrl-C, a shell reports 130. As process 1 of a container, the program exits with the same numbers: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP. A number never changes its meaning.",
    "A script can meet each status without a server: 4 to 8 by --mock=400, 401, 402, 429 and 500 with --retries 0, 9 by a --base-url where nobody listens, 10 by --mock=cut, 11 by --mock=max_tokens --strict, 12 by --mock=400 with --batch, 13 by --mock --check false, and 14 by --replay of an empty file.",
];

pub const DESCRIPTION: [&str; 4] = [
    "anyask asks Claude a question and prints the answer while it arrives. The question goes to AnyRouter, or to any other server with POST /v1/messages. AnyRouter is a third party: like every relay, it can read the question and the answer.",
    "The words after the options are the prompt. If standard input is not a terminal, anyask reads it too. With words, standard input is material for the question: it is sent first, then a blank line, then the words. Without words, standard input is the prompt. A picture or a PDF becomes an attachment. Text is UTF-8, or UTF-16 with a byte order mark. A flag that reads a file takes - for standard input, which is then not read for the prompt.",
    "Standard output carries the answer and nothing else. Notes, usage and errors go to standard error. A note says if the question may be another one than you meant, for example if a word names a file. The exit status tells a script what happened.",
    "The key comes from --api-key-file, --api-key-command or ANYROUTER_API_KEY. It is never the value of a flag, because other users could read it in the list of processes. anyask sends the key only to the server that you chose, and does not follow redirects.",
];

pub const ENVIRONMENT: [(&str, &str); 15] = [
    ("ANYROUTER_API_KEY", "The API key."),
    ("ANYROUTER_BASE_URL", "The server. --base-url has priority."),
    ("ANYROUTER_MODEL", "The model. --model has priority."),
    (
        "ANTHROPIC_BASE_URL, ANTHROPIC_AUTH_TOKEN",
        "A server and its key. They are used only if both are set and there is no other key. The token is never sent to another server.",
    ),
    (
        "https_proxy, http_proxy, all_proxy",
        "The proxy, by the rules of curl. HTTPS_PROXY and ALL_PROXY work too. A server on this machine is always reached directly.",
    ),
    (
        "no_proxy",
        "Hosts that are reached without a proxy: names (with their subdomains), addresses, CIDR blocks, or * for all hosts. Separate them by commas or spaces.",
    ),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "Certificates to trust instead of the system's."),
    (
        "XDG_CONFIG_HOME",
        "The folder that contains anyask/config and anyask/profiles. The default is $HOME/.config, or %APPDATA% on Windows.",
    ),
    (
        "HOME",
        "The home folder: of ~/ in a configuration file, and of the default of XDG_CONFIG_HOME.",
    ),
    (
        "LC_ALL, LC_MESSAGES, LANG",
        "The language that the server is asked to write its errors in (Accept-Language): zh_CN.UTF-8 asks for zh-CN. The first one that is set counts; C, POSIX or none means English. What anyask itself says is always English.",
    ),
    ("NO_COLOR", "No colour, unless --color says so."),
    ("CLICOLOR", "If this is 0, there is no colour."),
    (
        "CLICOLOR_FORCE",
        "Colour on standard error even if it is not a terminal. It has priority over CLICOLOR and TERM.",
    ),
    ("TERM", "If this is 'dumb', there is no colour, no spinner and no progress bar."),
    ("MAKEFLAGS", "Under make -j, there is no spinner and no progress bar."),
];

pub const FILES: [(&str, &str); 2] = [
    (
        "~/.config/anyask/config",
        "Flags for every call, one on each line: '--model opus', '--system You are terse'. The value is the rest of the line. No shell reads the file: a value has no quotes around it, but a command may. A path that begins with ~/ is in the home folder, and a relative path begins at the folder of the file. A line that begins with # is a comment. A line that is wrong in itself ends the program with exit status 3; the error names the file and the line. These are allowed only on the command line: a prompt, --batch and its flags, --dry-run, --curl, --list-models, --generate, --profile and --no-config.",
    ),
    (
        "~/.config/anyask/profiles/NAME",
        "Flags that --profile NAME adds, in the same form. NAME has no dot. A NAME with a slash is the path of another file. With --prompt-file, a profile has a prompt of its own.",
    ),
];

pub const FILES_MORE: [&str; 3] = [
    "The command line has priority over the environment, the environment over the profile, and the profile over the configuration file. Values of repeatable flags add up. Each flag --NAME that a file may hold has a --no-NAME that undoes it. It undoes a variable, too (--no-model), and empties a list (--no-fallback --fallback haiku). --no-system and --no-system-file undo both flags, and so do --no-api-key-file and --no-api-key-command. --stdin and --stream undo --no-stdin and --no-stream. --verbose names the files that were read.",
    "anyask writes no file that a flag does not name; to replace FILE, it writes .anyask.* in the same folder first, and renames it. /dev/stdout and /dev/stderr, also as /dev/fd/2 and the like, are written to as they are open; -o /dev/stdout is the same as -o -. --log and --chat do not take standard output.",
    "What -o, a batch, --chat and --record write is synced to the disk before the program ends; if that fails, the exit status is 1. In files of JSON lines (results, --log, --record, --chat), a line ends only with a line feed: U+2028, U+2029 and U+0085 are escaped. Such a line has at most 256 MiB. If the file system has no locks, a note says so: then use the file in one program at a time.",
];

pub const SECTIONS: [(&str, &[&str]); 11] = [
    (
        "FILES IN A PROMPT",
        &[
            "A text file is sent as <document path=\"PATH\">, its text, </document>. A picture or a PDF is a content block. If more than one file is sent, a picture stands between the texts <document path=\"PATH\"> and </document>, and a PDF has PATH as its title; PATH is - for standard input. A file is sent once, by whatever path or link it is named. If the server refuses a picture, a PDF or a message, the hint names the file, or the line of the conversation.",
            "The content of a file says what it is, not its name. A picture begins with its signature and has a NUL; a PDF has its signature near its start, and an object. If a file has the name of a picture or a PDF but is text, such as a pointer of Git LFS, a note says so.",
            "Text is UTF-8, or UTF-16 with a byte order mark. Other bytes become U+FFFD, and so do NULs after the first 8 KiB; a note counts them and names the first file. If a third of the characters or more would become U+FFFD, the file is not text: iconv -f ENCODING -t UTF-8 converts it. A file with a NUL in its first 8 KiB is binary. In both cases the exit status is 2. The error names HEIC, AVIF, TIFF and BMP pictures and UTF-16 without a mark, and the command that converts them.",
            "A folder, a file that is not regular, a binary file and one that is not text are skipped if they are on the list of --files-from. A note names the first of them; -v names all. A named pipe or a socket is not opened. If a list gives no file, that is an error (exit status 2), unless there are other files or standard input. A missing path is an error (exit status 1) that names its line.",
        ],
    ),
    (
        "MODELS",
        &[
            "The short names stand for the documented models, which a server may no longer have. --list-models=server prints the models that it has. In the configuration file, a line such as --alias sonnet=ID gives a name to another model. ID is sent as it is, even if it is a name itself.",
            "Newer models think before they answer. That counts for --max-tokens, so an answer may end without any text (exit status 10): then allow more tokens, or let the model think less with --set output_config='{\"effort\":\"low\"}'. They refuse --temperature, --top-p, --set top_k and --prefill with status 400. A hint names what can be left out.",
        ],
    ),
    (
        "BATCHES",
        &[
            "An item is a line: plain text, a JSON string, or an object with prompt or messages and with anything that differs from the flags: {\"prompt\":\"...\", \"id\":7, \"data\":{...}, \"model\":\"haiku\", \"max_tokens\":100}. Blank lines are skipped.",
            "Input that is no list of items is refused with exit status 2 before anything is sent: compressed files, zip archives, Parquet, binary data, a JSON array, and JSON over several lines. The hint is the command that makes lines of it. Small faults of a list are mended: a byte order mark, U+200B or a record separator before an item is dropped, half of a surrogate pair in JSON becomes U+FFFD with a note, and max_tokens may be 100.0. If the name of the file ends in .csv or .tsv, a note says that each line is one prompt.",
            "Results are JSON lines: {\"line\":3, \"id\":null, \"key\":\"...\", \"text\":\"...\", \"stop_reason\":\"...\", \"model\":\"...\", \"usage\":{...}}, or, for an item that failed, {\"line\":3, \"id\":null, \"key\":\"...\", \"error\":{\"exit\":7, \"status\":429, \"message\":\"...\"}}. key is a digest of the request. line is where the item was when it was asked. To join results with items, give the items data, which is copied, or an id. Both are compared as JSON values, however they are written; if there is an id, data does not count. With --fallback, asked is the model that was asked.",
            "A batch that writes to -o FILE may be killed at any moment. Run it again with --resume: every item ends up answered once, and no answer in FILE is paid for twice. Up to -j requests that were under way at a SIGKILL are asked again. If the prompt, the model or a setting has changed, the items are asked again, which is charged. Before the first request, a note says how many rows of FILE answer other requests of these items; an item is known by its id, else its data, else its line. If the items come through a pipe, the note comes with the first such item.",
            "Ctrl-C, SIGTERM and SIGHUP let the requests under way finish first; an item that would then be tried again is left for --resume. A second Ctrl-C or SIGTERM ends the batch at once, if it comes a second or more after the first signal. If the first signal also ends the reader of the results, as in a pipe to tee, the summary says how many answers had no reader, and the program ends by the signal.",
            "If FILE is moved, removed or replaced meanwhile, as by an editor that saves it, the results go on in the file of that name; a note says where the earlier rows are. On a full disk, the summary says how many answers could not be written. Too many open files stop the batch with exit status 1, and no item fails: each of the -j requests needs at least one.",
            "FILE grows by a row for each item that is asked. Without -k, a failed row stays when a later row has the answer of its item, and so do rows that answer other requests, such as an earlier prompt. With -k, FILE is put in order at the end: each item has one row, and rows of other requests come last. If FILE cannot be replaced, it keeps its order, and a note says so. jq -c 'select(.text)' FILE prints the answers only. Only one batch at a time can write to FILE; another one ends with exit status 1.",
            "A batch ends early if the key is not accepted, if credits or --max-cost are used up, if the rate limit lasts longer than --max-wait, after ten results in a row without a connection, if too many files are open, if the disk is full, if the command of --check cannot be run, and after a signal. To limit its time, use timeout 3600 anyask --batch: SIGTERM lets the requests under way finish.",
            "All jobs share one view of the rate limit that the server reports. Where the server answers 429, an item is tried again as long as its pauses fit into --max-wait in all, unless --retries is given. --rate is for servers that report none: N/s, N/m or N/h are evenly spread over all jobs, every retry included. After a 401, a key file or key command is read again, and another key is tried at once; the same key ends the batch with exit status 5. If ten results in a row have exit status 9, and not because of --max-time, the batch stops with that status.",
            "--max-cost USD is a budget of estimated dollars. Every request counts when it ends, at the price of its model: also one that failed in the middle of its answer, one to a model of --fallback, and what --check asks again. With --resume, the results in FILE count too, failed ones included, so that all runs share one budget; a result without a cost counts by its usage. When the sum reaches USD, nothing more is sent; what is under way then comes on top. Exit status 6 means that items are left. An item fails if no --price fits its own model. With -k, a failed result that is removed from FILE because its item was answered no longer counts.",
        ],
    ),
    (
        "MANY MACHINES",
        &[
            "GNU parallel shares a batch among machines; the README has the commands. Each item needs an id or data, because each machine counts its own lines. If a machine fails, its jobs go to another one. After Ctrl-C, the same command runs the jobs that have not succeeded. A job that was cut is asked, and charged, again as a whole, so do not make jobs too large. A job in which items failed (exit status 12) counts as done: the last command, with --resume, asks these items again and puts the results in order.",
            "Write all flags, such as -m, into both commands. Items that a machine asked in another way, for example because of its configuration file, would be asked again. Set ServerAliveInterval 15 in ~/.ssh/config, so that a machine that falls silent is noticed.",
        ],
    ),
    (
        "CONVERSATIONS",
        &[
            "A conversation (--chat FILE) is a file with one JSON message on each line, such as {\"role\":\"user\",\"content\":\"Hello\"}. The first line may be the system prompt, {\"role\":\"system\",\"content\":\"...\"}. The question and its answer are appended together, when the answer is complete. A turn that was not written completely is removed at the next use.",
            "On a terminal, without PROMPT, FILE is a conversation line by line. Files (-f, --files-from) go with its first question, if standard input, standard output and standard error are terminals; if not, the files alone are one question. What is pasted is one question with its line ends, if the terminal marks it (bracketed paste). A backslash at the end of a line goes on with a new line, and the earlier questions are in the history. Ctrl-C stops an answer, and at the prompt it drops what was typed. Ctrl-D ends, and so do exit, quit, /exit, /quit, /bye, :q and exit() alone. /help or ? alone prints one line of help. What is typed while an answer is awaited stands at the next prompt; Ctrl-D ends after the answer. A line that is not UTF-8 is left out. After a signal that ends the program, the terminal is as it was.",
        ],
    ),
    (
        "CACHED PROMPTS",
        &[
            "With --cache, what stays the same is sent as content blocks, and the last of them is marked with \"cache_control\":{\"type\":\"ephemeral\"}. The order is the system prompt, then the files, then what differs: standard input, the item, the words. If there is neither a system prompt nor a file, the exit status is 2. In an item with messages of its own, files come after these, so only the system prompt is marked.",
            "The server caches the request up to the mark for about five minutes after each use, if it is long enough: by upstream's rules 1024 to 4096 tokens, depending on the model. A shorter one is answered as usual, and nothing is cached. A relay may drop the mark.",
            "--usage shows the tokens that were read from the cache: 120,004 tokens in (120,000 cached). The cost counts them at 0.1 of the input price, and those that were written to the cache at 1.25.",
            "A batch asks its first item alone, whatever comes of it, so that the others find the cache. key is the digest of the request as it is sent, so it is another one with --cache than without: to --resume and --replay, these are different requests.",
        ],
    ),
    (
        "CHECKED ANSWERS",
        &[
            "With --check CMD an answer is printed only if CMD accepts it. The shell runs CMD when the answer is complete. Its standard input is what would be printed: the text, the code block under -x, the server's JSON under --json. CMD may ignore its input. ANYROUTER_API_KEY and ANTHROPIC_AUTH_TOKEN are not in its environment.",
            "If CMD ends with another status than 0, the model gets its whole answer back with the first 4 KiB of what CMD wrote to standard output and standard error, and is asked again. Such feedback accumulates. --check-retries N says how often; each time is a request that is charged, which --usage and --log add up.",
            "If the last answer does not pass, the exit status is 13, standard output stays empty, and the files of -o and --chat stay as they were; -v shows the answer. If CMD cannot be run, the exit status is 3; if it does not end within --max-time, 9; and the answer is printed on standard error. An answer without text, or under -x without a code block, did not pass either. If a signal ends CMD, the exit status is 13 and the model is not asked again. An answer that stopped short is not checked under --strict.",
            "A conversation keeps the first question and the answer that passed. A batch checks each item. CMD finds the id and the data of the item as JSON in the variables ANYASK_ID and ANYASK_DATA (data only up to 64 KiB). It cannot use the terminal: one that stops to ask is ended, and its item has failed. CMD that cannot be run stops the batch. The last answer of an item that did not pass, or that CMD could not judge, is in its result, as error.text.",
        ],
    ),
    (
        "RECORDED ANSWERS",
        &[
            "A file of --record contains prompts and answers: who can read it, can read both. It never contains the API key, a header or a host. An answer is recorded as it came, because a replay has to print the same bytes. So if the key is in the question or the answer, the answer is printed but not recorded, and a note says so; a key of fewer than 16 characters is a placeholder and changes nothing.",
            "Each line is a JSON object: {\"key\":\"...\", \"time\":\"...\", \"request\":{...}, \"content_type\":\"...\", \"body\":\"...\"}. key is a digest of the request, the same as in the results of a batch: without stream, and with 4096 for max_tokens if --max-tokens was not given. In request, the data of an attachment is replaced by its digest and size. body is the answer as it was received; bytes that are not UTF-8 are replaced by U+FFFD. A line is added when an answer is complete, also if it has no text. Several programs may record in one file at the same time.",
            "--replay answers a request with the body that has its key, as if a server had sent it: --json, --stream, -x, -o, --chat and --batch work as usual, and the exit status is the same. If the same request was recorded several times, the answers are used in turn, and the last one again and again; each call of anyask begins with the first. A replayed answer costs nothing, and --log has \"replayed\":true. With --batch -j N, the order in which equal items get their answers is not fixed.",
            "If a request is not in the file, --replay ends with status 14 (in a batch, the item fails with it) and names the first field that differs from the last record in the file. With --record and --replay of the same file, such a request is asked and recorded instead; then a key is needed.",
            "For the tests of a script, run it once with --record FILE --replay FILE, which asks only what FILE does not answer yet, and keep FILE with the script. In CI, run it with --replay FILE alone: that needs no key and no connection, costs nothing, and gives the same answers every time. jq .request FILE shows what was asked.",
            "A line that was not written completely, or that ends in NULs after a power cut, is ignored, and removed if it is the last one and the file is recorded in. Any other line that is not a recorded answer is an error with its number, before anything is written or sent.",
        ],
    ),
    (
        "RETRIES AND TIME LIMITS",
        &[
            "A request that failed is sent again up to two times (--retries): after 408, 429, 500, 502 to 504, 520 to 524, 529 and 530, if the connection fails before the first byte of an answer, and if the stream has an overloaded_error, api_error or rate_limit_error before any text. It is never sent again after text has arrived, and never after another error, unless the server says x-should-retry. The pause is one second (--retry-delay), doubled each time up to 30 seconds, or the longer one that the server asks for in a header or in the body of an error. A point in time counts from the server's clock. Each retry is one line on standard error. If the server may have charged for the lost request, the line says so.",
            "--timeout limits the silence, not the answer: one that arrives slowly for an hour is fine. If the server asks for a longer pause than --max-wait, the program fails at once and says when to try again. --max-time limits a question as a whole, with every try, every pause, the answer and --check. When it is over, the command of --check is ended, what was printed stays, and the exit status is 9. A pause that would be longer is not begun.",
        ],
    ),
    (
        "TERMINALS",
        &[
            "While anyask waits, standard error has a spinner, or the progress bar of a batch, if it is a terminal. The spinner says how long anyask has waited, or how long the model has been thinking. It is drawn only while anyask is in the foreground: a job in the background draws nothing. Neither does a job that probably shares the terminal with others: where standard input is read and is /dev/null or an empty pipe (as under xargs -P), under make -j, and with & in a script. A batch then reports a line every 30 seconds instead. For a single question there is no spinner while a command of --check runs, so that it can ask on the terminal.",
        ],
    ),
    (
        "RELAYS",
        &[
            "Relays such as new-api, and firewalls such as Cloudflare, tell by a code, a type or a page what is wrong, and their status may say something else. anyask goes by the code first.",
            "Exit status 6: there are too few credits (relays reserve them for all of --max-tokens), the route serves Claude Code only, or a bot check blocks requests to the host. The request is not tried again, --fallback asks no other model, and a batch stops. Exit status 7 or 8: the relay is busy, a quota comes back later, or the group of the key has no channel for the model; --list-models=server prints the models that it has, and --fallback asks another one. Exit status 10: --base-url is the address of a web page or of another API.",
            "An error may come under a status of success, as JSON or in the stream. It has the exit status of its code, of the API's type, or of the HTTP status that is written in it, in this order, or else 8. Before any text, it is tried again if that status would be.",
            "A stop reason ends an answer only if no text follows; an empty one is ignored. If an answer begins again in mid-stream and a part of it is printed already, the exit status is 10. If the answer is printed at its end (-S, -o, -x, --json, --check, --batch), only the last one counts, with a note. An answer of white space alone counts as none: the exit status is 10, and nothing of it is kept.",
            "Invalid JSON is repaired, with a note, if nothing is lost by it: control characters in a string, events without a line end between them, and whatever follows a whole message. Anything else has exit status 10, and the text before it stays printed. The first bytes of an answer, not its headers, tell whether it is compressed, JSON or a stream.",
            "Of one answer, 64 MiB are kept at most, as text and as JSON, and as it came for --record. --max-time limits how long a question may take in all.",
            "A 524 means that Cloudflare waited 100 seconds for the relay. Streaming avoids it, so the server always streams to anyask, except for --json without --stream.",
            "The steps quota, botcheck, overloaded and 524 of --mock rehearse these troubles.",
        ],
    ),
];

/// What the errors of relays say, and what to do.
pub const TROUBLES: [(&str, &str); 12] = [
    (
        "insufficient_user_quota, insufficient_quota",
        "Exit status 6. The account has too few credits, or has reached its limit for the day. A smaller number for --max-tokens may pass.",
    ),
    (
        "credit balance is too low, Arrearage, code 1113 or 1008",
        "Exit status 6. The account is empty, whatever the HTTP status says.",
    ),
    (
        "usage limit, code 1308",
        "Exit status 7. A quota that comes back after some hours: ask later, or use a larger --max-wait.",
    ),
    (
        "Client not allowed, invalid claude code request",
        "Exit status 6. This route serves only Claude Code. Use another group, key or model.",
    ),
    (
        "model_not_found, no channel",
        "Exit status 8, under 503. The group of the key has no channel for the model now.",
    ),
    (
        "get_channel_failed, saturated, overloaded",
        "Exit status 8, or 7 under 429. The relay is busy. Use a larger --retries, or --fallback.",
    ),
    (
        "1m and context",
        "Exit status 4, under 400. The relay wants -H 'anthropic-beta: context-1m-2025-08-07'.",
    ),
    (
        "a bot check blocks requests to HOST",
        "Exit status 6, or 7 if it only limits the rate. A firewall (Cloudflare, Aliyun, SafeLine) expects a browser, and no program gets past it.",
    ),
    (
        "it asks for a login or leads elsewhere",
        "Exit status 4. The server redirects to a login page or a portal: --base-url is not the address of the API.",
    ),
    (
        "encoded as br, which was not asked for",
        "Exit status 10. A proxy on the way compresses the answer. Ask its operator, or use another address.",
    ),
    (
        "failed (520) to failed (530)",
        "Exit status 8. Cloudflare cannot reach the relay, or waited 100 seconds for it (524).",
    ),
    (
        "the server does not report credits",
        "A note. --min-credits has no effect; use --max-cost with --price.",
    ),
];

/// Where each shell finds the completions.
pub const COMPLETIONS: [(&str, &str); 4] = [
    (
        "bash, zsh, fish",
        "The README has the commands. The Debian package has the files in their places.",
    ),
    ("elvish", "In ~/.config/elvish/rc.elv: eval (anyask --generate complete-elvish | slurp)"),
    (
        "Nushell",
        "Once: mkdir $nu.user-autoload-dirs.0; anyask --generate complete-nushell | save -f ($nu.user-autoload-dirs.0 | path join anyask.nu)",
    ),
    (
        "PowerShell",
        "In $PROFILE: anyask --generate complete-powershell | Out-String | Invoke-Expression",
    ),
];

pub const BUGS: [&str; 2] = [
    "A cost is an estimate: no server says what it charged for a request that failed, and a relay may answer with another model than the one that was asked. On Windows the program was tried only a little, under Wine; there it shows no spinner and no progress bar, and no note if nothing comes on standard input.",
    "There is no address for reports yet. SECURITY.md in the sources says how to report a weakness.",
];

pub const AUTHORS: &str = "The anyask developers.";

pub const COPYRIGHT: &str = "Copyright (c) 2026 The anyask developers. You may use, change and share anyask under the MIT licence or the Apache License 2.0, as you prefer.";
