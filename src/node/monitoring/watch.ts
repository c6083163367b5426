/** What is kept of a role while it runs, for whoever asks: its state, what happened last, and how often. */
import type { SchedulerLike } from 'rxjs';
import type { Alert, AlertChange } from '../../observe/alerts.js';
import type { Fold, StateTimes } from '../../observe/fold.js';
import { liveStates, type LiveState, type Showable } from '../../observe/live.js';
import type { Sv1MinerEvent } from '../../roles/translator/sv1-miners.js';
import type { ShareSettings } from './downstream-view.js';
import { eventLog, type EventLog } from './event-log.js';
import type { RoleGauge } from './metrics.js';
import { innermost, outcomeCounts, type OutcomeCounts } from './outcome-counts.js';
import type { ReferenceView } from './reference-view.js';
import type { WatchedRole } from './roles.js';
import { timeline, type Timeline } from './timeline.js';
import { wireDetails } from './wire-details.js';

/** A role that is watched. */
export interface Watch {
  readonly startedAt: number;
  /** Takes note of an outcome. */
  note(outcome: { readonly type: string }): void;
  /** Takes note of what happened at a miner of Stratum V1. */
  noteSv1(event: Sv1MinerEvent): void;
  /** The state as it is now. */
  state(): StateTimes;
  /** What the reference implementation's API shows, as old as `refreshInterval` at most. */
  view(): ReferenceView;
  /** What the dashboard shows, a second old at most, and the older the more rows there are. */
  live(): LiveState;
  /** How the role is, of which its history takes note. */
  look(): Showable;
  /** Takes note of an alert that began, or is over: an event, too. */
  noteAlert(change: AlertChange): void;
  /** What somebody should look after, what began first at the front. */
  alerts(): readonly Alert[];
  readonly history: Timeline;
  /** Why the role cannot do what it is for at present. */
  unready(): readonly string[];
  gauges(): readonly RoleGauge[];
  readonly events: EventLog<{ readonly type: string }>;
  /** What there was since the start. */
  readonly counts: OutcomeCounts;
}

/** How a role is watched. */
export interface WatchOptions {
  readonly settings: ShareSettings;
  /** Milliseconds for which what the API shows is kept. */
  readonly refreshInterval: number;
  readonly version: string;
  /** Whether there is a ledger whose accounts are shown. */
  readonly hasAccounts: boolean;
  readonly scheduler: SchedulerLike;
}

/** Messages themselves are not events: they are many, and `sv2` has other ways to look at them. */
const isMessage = (outcome: { readonly type: string }): boolean => {
  const { type } = innermost(outcome);
  return type === 'received' || type === 'sent';
};

/** Milliseconds between two states of the dashboard, for each row and at least. */
const liveInterval = 0.5;
const leastLiveInterval = 1_000;

/** Alerts that the dashboard is told of. */
const shownAlerts = 50;

/** Makes something anew when it is asked for and older than it may be. */
function aged<T>(make: () => T, maxAge: (value: T) => number, now: () => number): () => T {
  let last: { readonly value: T; readonly at: number } | undefined;
  return () => {
    if (last === undefined || now() - last.at >= maxAge(last.value)) last = { value: make(), at: now() };
    return last.value;
  };
}

/** Watches a role from now on. Nothing is made of what was noted before somebody asks for it. */
export function watch<S extends StateTimes>(role: WatchedRole<S>, options: WatchOptions): Watch {
  const { settings, refreshInterval, version, hasAccounts, scheduler } = options;
  const now = () => scheduler.now();
  const startedAt = now();
  const fold: Fold<S> = role.fold(startedAt);
  const details = wireDetails();
  const events = eventLog();
  const counts = outcomeCounts();
  const toLive = liveStates(version);
  const state = () => fold.state(now());
  const history = timeline();
  const present = new Map<string, Alert>();
  let alerts: readonly Alert[] = [];
  const extras = () => ({
    alerts: alerts.slice(0, shownAlerts),
    alertCount: alerts.length,
    hasAccounts,
  });
  return {
    startedAt,
    note(outcome) {
      fold.note(outcome, now());
      details.note(outcome);
      counts.note(outcome);
      if (!isMessage(outcome)) events.add(outcome, now());
    },
    noteSv1: details.noteSv1,
    state,
    view: aged(
      () => ({ uptimeSeconds: (now() - startedAt) / 1_000, ...role.view(state(), details, settings) }),
      () => refreshInterval,
      now,
    ),
    live: aged(
      () => toLive(role.shown(state()), extras()),
      ({ rows }) => Math.max(leastLiveInterval, rows.size * liveInterval),
      now,
    ),
    look() {
      const shown = role.shown(state());
      history.note(shown);
      return shown;
    },
    noteAlert(change) {
      const { kind, subject, since, message } = change;
      const key = JSON.stringify([kind, subject]);
      if (change.type === 'AlertRaised') present.set(key, { kind, subject, since, message });
      else present.delete(key);
      alerts = [...present.values()];
      counts.note(change);
      events.add(change, now());
    },
    alerts: () => alerts,
    history,
    unready: () => role.unready(state()),
    gauges: () => role.gauges(state()),
    events,
    counts,
  };
}
