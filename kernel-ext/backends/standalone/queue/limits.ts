/** What goes in one message; the server's own limit is 1 MiB by default. */
export const inlineBytes = 700 * 1024

/** How long an agent that says nothing keeps a batch: then another one gets it. */
export const leaseMs = 9000
