# Appends a line for each call of an agent to the file that it is given: who, in which round, how it
# ended, how many seconds and tokens it took.
exec jq --raw-output --unbuffered '
  select(.type == "actor_completed" or .type == "critic_completed")
  | [(.type | rtrimstr("_completed")), .iteration, .outcome.kind, .duration_secs,
     (.usage.output_tokens // "?")]
  | @tsv' >> "$1"
