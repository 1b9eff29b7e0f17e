// One HTTP request to a Hugging Face hub: the token, redirects, what may be tried again, and what a refusal means.
// Knows nothing of models and files. Redirects are followed here and not by `fetch`, so that the token is sent to the
// hub's own origin and to no other, whatever the platform does.

import { setTimeout as sleep } from "node:timers/promises";
import { ClockworkError, reasonOf } from "../errors.ts";

/** A hub and how to talk to it. */
export interface HubConnection {
  readonly endpoint: URL;
  readonly token: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Pause before the second try, in milliseconds; four times as long before the third. */
  readonly retryDelayMs: number;
}

/** The outcome of one try: a value, or a failure that may pass. */
export type Attempt<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "again"; readonly error: ClockworkError };

const TRIES = 3;
const MAX_REDIRECTS = 8;

/** Tries up to three times; the last outcome, which may still be `again`. */
export async function withRetries<T>(hub: HubConnection, attempt: () => Promise<Attempt<T>>): Promise<Attempt<T>> {
  let outcome = await attempt();
  for (let tried = 1; tried < TRIES && outcome.kind === "again"; tried++) {
    await sleep(hub.retryDelayMs * 4 ** (tried - 1), undefined, hub.signal ? { signal: hub.signal } : {}).catch(() => {
      throw stopped(hub);
    });
    outcome = await attempt();
  }
  return outcome;
}

/** The failure of a request or of reading its body: an abort is thrown, anything else may be tried again. */
export function networkFailure(hub: HubConnection, what: string, cause: unknown): Attempt<never> {
  if (hub.signal?.aborted === true) throw stopped(hub);
  const inner = cause instanceof Error && cause.cause instanceof Error ? `: ${cause.cause.message}` : "";
  return again(`${what}: ${hub.endpoint.host} cannot be reached (${reasonOf(cause)}${inner})`, cause);
}

/** A failure that may pass. */
export function again(message: string, cause?: unknown): Attempt<never> {
  return { kind: "again", error: new ClockworkError("download", message, { cause }) };
}

/**
 * Sends a GET request. The response is a 2xx or a 416; other refusals are thrown, server errors are `again`. `what`
 * names the thing that is fetched in messages.
 */
export async function hubGet(
  hub: HubConnection,
  what: string,
  url: URL,
  headers: Readonly<Record<string, string>> = {},
): Promise<Attempt<Response>> {
  let at = url;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const mayHaveToken = hub.token !== undefined && at.origin === hub.endpoint.origin;
    let response: Response;
    try {
      response = await fetch(at, {
        headers: {
          ...headers,
          "user-agent": "clockwork-convnets",
          ...(mayHaveToken ? { authorization: `Bearer ${hub.token}` } : {}),
        },
        redirect: "manual",
        signal: hub.signal ?? null,
      });
    } catch (cause) {
      return networkFailure(hub, what, cause);
    }
    const location = response.headers.get("location");
    const isRedirect = response.status >= 300 && response.status < 400 && location !== null;
    if (response.ok || response.status === 416) return { kind: "done", value: response };
    await response.body?.cancel();
    if (!isRedirect) {
      const passes = response.status >= 500 || response.status === 429 || response.status === 408;
      if (passes) return again(`${what}: ${at.host} answered ${response.status}; try again later`);
      throw refusal(hub, what, response);
    }
    const next = URL.canParse(location, at) ? new URL(location, at) : undefined;
    if (next === undefined || (next.protocol !== "https:" && next.protocol !== at.protocol)) {
      throw new ClockworkError("download", `${what}: ${at.host} redirects to an address that is not secure`);
    }
    at = next;
  }
  throw new ClockworkError("download", `${what}: more than ${MAX_REDIRECTS} redirects`);
}

function stopped(hub: HubConnection): ClockworkError {
  return new ClockworkError("aborted", "the download was stopped", { cause: hub.signal?.reason });
}

function refusal(hub: HubConnection, what: string, response: Response): ClockworkError {
  const message = response.headers.get("x-error-message");
  const said = `${what}: ${hub.endpoint.host} answered ${response.status}${message === null ? "" : ` (${message})`}`;
  return new ClockworkError("download", `${said}: ${adviceOn(hub, response)}`);
}

function adviceOn(hub: HubConnection, response: Response): string {
  switch (response.status) {
    case 401:
      return hub.token === undefined
        ? "there is no such model, or it is private; check the name, or set HF_TOKEN to a token that may read it"
        : "there is no such model, or the token does not open it; check the name and HF_TOKEN";
    case 403:
      return "access is restricted; accept the model's terms on its page and set HF_TOKEN to a token that may read it";
    case 404:
      switch (response.headers.get("x-error-code")) {
        case "RevisionNotFound":
          return "the model has no such revision; check what stands after the @";
        case "EntryNotFound":
          return "the model has no such file";
        default:
          return "there is no such model; check the name";
      }
    default:
      return "the hub refuses the request";
  }
}
