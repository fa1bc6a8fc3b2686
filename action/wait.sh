#!/bin/sh
# Becomes the gate. An input that pins a deploy and is left out leaves the job's own variable as it is: one that is set to
# nothing, because a step before gave nothing, has to reach the gate, which refuses it. An expression could not tell it from
# one that is not set.
set -eu

for pin in DEPLOY WORKFLOW BRANCH_RUN TRIGGER_RESPONSE BUILD COMMIT AFTER SINCE; do
    eval "given=\$GATE_$pin"
    # shellcheck disable=SC2154 # It is set by what is evaluated.
    [ "$given" = '(not given)' ] || export "NUON_GATE_$pin=$given"
done
exec "$GATE_BINARY" wait
