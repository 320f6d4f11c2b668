import type { Platform } from "./platform.ts"

/** What is known of a platform before its code is loaded. */
export type PlatformFacts = Omit<Platform, "open" | "deploy" | "list" | "remove" | "costUsd" | "close">

/** Has what is known of a platform as its own, so that a provider's class has but what it does. */
export class KnownPlatform implements PlatformFacts {
  readonly name: PlatformFacts["name"]
  readonly title: PlatformFacts["title"]
  readonly limits: PlatformFacts["limits"]
  readonly size: PlatformFacts["size"]
  readonly shards: PlatformFacts["shards"]
  readonly pace: PlatformFacts["pace"]
  readonly streams: PlatformFacts["streams"]
  readonly endsLeftCalls: PlatformFacts["endsLeftCalls"]
  readonly throttledHint: PlatformFacts["throttledHint"]

  constructor(facts: PlatformFacts) {
    this.name = facts.name
    this.title = facts.title
    this.limits = facts.limits
    this.size = facts.size
    this.shards = facts.shards
    this.pace = facts.pace
    this.streams = facts.streams
    this.endsLeftCalls = facts.endsLeftCalls
    this.throttledHint = facts.throttledHint
  }
}
