module completions {

  def "nu-complete anyask model" [] {
    [ "sonnet" "opus" "haiku" "claude-3-5-sonnet-20241022" "claude-3-opus-20240229" "claude-3-sonnet-20240229" "claude-3-haiku-20240307" ]
  }

  def "nu-complete anyask fallback" [] {
    [ "sonnet" "opus" "haiku" "claude-3-5-sonnet-20241022" "claude-3-opus-20240229" "claude-3-sonnet-20240229" "claude-3-haiku-20240307" ]
  }

  def "nu-complete anyask auth" [] {
    [ "bearer" "x-api-key" ]
  }

  def "nu-complete anyask color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete anyask list_models" [] {
    [ "documented" "server" ]
  }

  def "nu-complete anyask generate" [] {
    [ "man" "complete-bash" "complete-zsh" "complete-fish" "complete-powershell" "complete-elvish" "complete-nushell" ]
  }

  def "nu-complete anyask profile" [] {
    try { ls ($env.XDG_CONFIG_HOME? | default ($env.HOME | path join .config) | path join anyask profiles) | get name | path basename | where $it !~ '\.' } catch { [] }
  }

  def "nu-complete anyask mock" [] {
    [ "ok" "cut" "max_tokens" "refusal" "quota" "botcheck" "overloaded" "401" "429" "500" "529" ]
  }

  # Ask Claude a question from the shell
  export extern anyask [
    --file(-f): path          # Add a file to the prompt; repeatable
    --files-from: path        # Add the files whose paths are in LIST
    --line-numbers(-n)        # Number the lines of text files
    --prompt-file: path       # Read the prompt from a file
    --no-stdin                # Never read standard input
    --system(-s): string      # System prompt
    --system-file: path       # Read the system prompt from a file
    --prefill: string         # First words of the answer
    --chat(-c): path          # Continue the conversation in FILE, or start it
    --model(-m): string@"nu-complete anyask model" # Model ID, or sonnet, opus or haiku
    --alias: string           # Give a model a name of your own; repeatable
    --fallback: string@"nu-complete anyask fallback" # Model to ask if the others fail; repeatable
    --max-tokens: string      # Maximum answer tokens [default: by model]
    --temperature(-t): string # Randomness, from 0.0 to 1.0
    --top-p: string           # Nucleus sampling, from 0.0 to 1.0
    --stop: string            # Stop sequence; repeatable
    --set: string             # Set another request field; repeatable
    --cache                   # Cache system prompt and files on the server
    --base-url: string        # Server URL
    --allow-http              # Allow http:// to any host
    --auth: string@"nu-complete anyask auth" # bearer or x-api-key [default: bearer]
    --api-key-file: path      # Read the API key from a file
    --api-key-command: string # Run a command that prints the API key
    --header(-H): string      # Add a header 'Name: value'; repeatable
    --retries: string         # Retry a failed request N times [default: 2]
    --retry-delay: string     # Seconds before the first retry [default: 1]
    --max-wait: string        # Longest wait a server may set [default: 60]
    --timeout: string         # Longest time without data [default: 300]
    --max-time: string        # Longest time for a question in all
    --connect-timeout: string # Longest time to connect [default: 10]
    --record: path            # Ask, and add each answer to FILE
    --replay: path            # Answer from FILE, without a server
    --no-stream(-S)           # Print the answer when it is complete
    --json                    # Print the server's JSON, byte for byte
    --stream                  # Print the answer as it arrives
    --extract(-x)             # Print only the first fenced code block
    --check: string           # Print the answer only if a command accepts it
    --check-retries: string   # Ask again N times if --check fails [default: 1]
    --output(-o): path        # Write the answer to FILE when it is complete
    --usage(-u)               # Print tokens, cost and limits on stderr
    --price: string           # Dollars per million tokens; repeatable
    --log: path               # Append one JSON line per question to FILE
    --verbose(-v)             # Print request, headers and timing on stderr
    --quiet(-q)               # Print no notes and no progress
    --strict                  # Exit with status 11 if the answer stopped short
    --color: string@"nu-complete anyask color" # Colour: auto, always or never
    --raw                     # Do not sanitize terminal escapes
    --jobs(-j): string        # Number of parallel requests [default: 4]
    --rate: string            # At most N requests per second, minute or hour
    --keep-order(-k)          # Print results in the order of the items
    --resume                  # Skip items that have an answer in -o FILE
    --min-credits: string     # Stop the batch when credits fall below USD
    --max-cost: string        # Stop the batch when it has cost USD
    --no-config               # Do not read ~/.config/anyask/config
    --dry-run                 # Print the request body and send nothing
    --curl                    # Print a curl command and send nothing
    --generate: string@"nu-complete anyask generate" # Print the man page or shell completions
    --profile(-p): string@"nu-complete anyask profile" # Also use the flags in a profile
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
    ...prompt: string         # The question; words are joined by spaces
  ]

}

export use completions *
