module completions {

  def "nu-complete anyask model" [] {
    [ "sonnet" "opus" "haiku" "claude-3-5-sonnet-20241022" "claude-3-opus-20240229" "claude-3-sonnet-20240229" "claude-3-haiku-20240307" ]
  }

  def "nu-complete anyask auth" [] {
    [ "bearer" "x-api-key" ]
  }

  def "nu-complete anyask color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete anyask generate" [] {
    [ "man" "complete-bash" "complete-zsh" "complete-fish" "complete-powershell" "complete-elvish" "complete-nushell" ]
  }

  # Ask Claude a question from the shell
  export extern anyask [
    --file(-f): path          # A file that the prompt is about; repeatable
    --no-stdin                # Never read standard input
    --system(-s): string      # The system prompt
    --system-file: path       # Read the system prompt from a file
    --prefill: string         # The first words of the answer
    --chat(-c): path          # Go on with the conversation kept in FILE
    --model(-m): string@"nu-complete anyask model" # The model, or sonnet, opus, haiku for short
    --max-tokens: string      # Most tokens in the answer [default: 4096]
    --temperature(-t): string # Randomness, from 0.0 to 1.0
    --top-p: string           # Nucleus sampling, from 0.0 to 1.0
    --stop: string            # Stop where the answer says this; repeatable
    --set: string             # Any other field of the request; repeatable
    --base-url: string        # The server, instead of api.anyrouter.top
    --allow-http              # Send the key over http:// to any host
    --auth: string@"nu-complete anyask auth" # bearer or x-api-key [default: bearer]
    --api-key-file: path      # A file whose content is the API key
    --api-key-command: string # A command that prints the API key
    --header(-H): string      # A further header, or @FILE; repeatable
    --retries: string         # Send again this often [default: 2]
    --retry-delay: string     # First pause, doubled each time [default: 1]
    --max-wait: string        # Longest pause a server gets [default: 60]
    --timeout: string         # Longest silence of the server [default: 300]
    --connect-timeout: string # Longest wait for a connection [default: 10]
    --mock: string            # Rehearse: no key, no credits, an echo
    --no-stream(-S)           # Print the answer when it is whole
    --json                    # Print the server's JSON, byte for byte
    --stream                  # Print what comes as it comes
    --extract(-x)             # Print only the first fenced code block
    --output(-o): path        # Write the answer to FILE when it is whole
    --usage(-u)               # One line on stderr: tokens, cost, limits
    --price: string           # Dollars per million tokens [default: 0.3,1.5]
    --log: path               # Append one JSON line a request to FILE
    --verbose(-v)             # Show request, headers and timing on stderr
    --quiet(-q)               # No notes and no progress on stderr
    --strict                  # Exit 11 if the answer stopped short
    --color: string@"nu-complete anyask color" # Colour on stderr: auto, always or never
    --raw                     # Let terminal escapes through
    --batch: path             # Ask many questions: one item a line
    --jobs(-j): string        # Requests under way at once [default: 4]
    --keep-order(-k)          # Results in the order of the items
    --resume                  # Skip what -o FILE has an answer to
    --min-credits: string     # Start nothing more below these credits
    --profile(-p): string     # Take the flags in the profile NAME too
    --no-config               # Read no configuration file
    --dry-run                 # Print the request's body; send nothing
    --curl                    # Print the request as a curl command
    --list-models             # Print the documented models
    --generate: string@"nu-complete anyask generate" # Print the man page or shell completions
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...prompt: string         # The question; words are joined by blanks
  ]

}

export use completions *
