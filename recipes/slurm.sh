#!/bin/bash
# Agents of cellfan as jobs of Slurm: one on each node, for as long as there is work.
#
#     export CELLFAN_STANDALONE_NATS=nats://queue:4222      # a queue of your own that the nodes reach
#     sbatch --nodes=4 recipes/slurm.sh                     # in a built clone, in a folder that the nodes share
#
# and in the notebook: new StandaloneExecutor({ nats: ["nats://queue:4222"] }). Tasks that are under way when the job's time is up, or when it
# is cancelled, go to other agents.
#SBATCH --job-name=cellfan
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=2
#SBATCH --time=04:00:00
# Two minutes before the time is up it takes nothing more, and ends what it runs.
#SBATCH --signal=TERM@120
#SBATCH --output=cellfan-%j.log
set -eu

# With more nodes than one the same command runs on each. Without work for ten minutes it ends, and gives its node back.
exec srun bash -c 'exec ${CELLFAN:-node "$SLURM_SUBMIT_DIR/dist/cli.js"} worker \
  --pool "${CELLFAN_POOL:-default}" --host "$SLURMD_NODENAME" --workers "$SLURM_CPUS_PER_TASK" --idle-ms "${CELLFAN_IDLE_MS:-600000}"'
