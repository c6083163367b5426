/** One step of some work; returns whether there is more to do. */
export type Step = () => boolean;

/** Who has something to send. */
export interface Sender {
  /** Writes it. */
  flush(): void;
}

/** The order in which the connections of a listener get this process's time. */
export interface Turns {
  /**
   * Whether a connection may handle what it has read before others have had their turn: until `readTime` after the first that did so
   * since this process last looked at its sockets. Hundreds of peers that send something costly at the same moment would be handled
   * one after the other otherwise, before anything else is looked at.
   */
  mayRead(): boolean;
  /**
   * Has what waits to be sent to a peer written at the end of this turn, or with that of `leavingTogether` peers, or after `leavingTime`.
   * A peer on the same machine, or a network card, is woken once for all of them then.
   */
  leaving(sender: Sender): void;
  /**
   * Has the rest of a connection's work done, step by step, in turns with that of others. It must not be in
   * the middle of a step of its own; asking twice is asking once.
   */
  connection(step: Step): void;
  /**
   * Has work for newcomers done: a first step at once if none was done in this turn, the others after what
   * connections have to do. Newcomers get one step in each turn, and more while they have had no more time
   * than everything else.
   */
  newcomers(step: Step): void;
}

/** Steps in one turn, of all connections together and of newcomers. */
export const stepsPerTurn = 4;

/** Milliseconds after which a turn begins no other step, of connections and of newcomers each. */
export const turnTime = 5;

/** Milliseconds in which connections handle what they read as it comes. A thousand of them with eight shares each take about as long. */
export const readTime = 100;

/**
 * Peers whose answers leave together. 1,000 connections with one share in flight took 54 to 74 µs of processor time for each when answers
 * left one by one, 43 to 59 with 16 together, 39 to 46 with 64, and no less with 1,000.
 */
export const leavingTogether = 64;

/** Milliseconds after which no answer waits for others. */
export const leavingTime = 1;

/**
 * The turns of a listener. Nothing is scheduled while nothing is read and nobody waits.
 * @param now milliseconds, to measure by; where time stands still, steps alone are counted
 * @param nextTurn has something done when this process has looked at its sockets again
 */
export function createTurns(now: () => number, nextTurn: (work: () => void) => void): Turns {
  /** Connections that wait, the next one first. */
  const connections = new Set<Step>();
  const newcomers = new Set<Step>();
  let scheduled = false;
  /** When newcomers last had their time. */
  let newcomersServed = now();
  /** When the first was handled of what was read since sockets were looked at. */
  let readSince: number | undefined;
  let senders: Sender[] = [];
  /** When the first of them came. */
  let leavingSince = 0;
  let isEnding = false;

  /** Takes steps in turn, until one is taken and the time is up. */
  const serve = (steps: Set<Step>, time: number) => {
    const began = now();
    let taken = 0;
    // a set is iterated in the order of insertion, what is put back during it included: a ring
    for (const step of steps) {
      steps.delete(step);
      if (step()) steps.add(step);
      taken += 1;
      if (taken === stepsPerTurn || now() - began >= time) break;
    }
  };

  const serveNewcomers = (time: number) => {
    if (newcomers.size === 0) return;
    serve(newcomers, time);
    newcomersServed = now();
  };

  const takeTurn = () => {
    serve(connections, turnTime);
    serveNewcomers(Math.min(turnTime, now() - newcomersServed));
    flush();
    scheduled = false;
    if (connections.size + newcomers.size > 0) schedule();
  };

  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    nextTurn(takeTurn);
  };

  const flush = () => {
    const leaving = senders;
    senders = [];
    for (const sender of leaving) sender.flush();
  };

  const endTurn = () => {
    isEnding = false;
    readSince = undefined;
    flush();
  };

  /** Has the turn that something happened in end before the next begins. */
  const begun = () => {
    if (isEnding) return;
    isEnding = true;
    nextTurn(endTurn);
  };

  return {
    mayRead() {
      if (readSince !== undefined) return now() - readSince < readTime;
      readSince = now();
      begun();
      return true;
    },
    leaving(sender) {
      const first = senders.length === 0;
      senders.push(sender);
      if (first) leavingSince = now();
      if (senders.length >= leavingTogether || now() - leavingSince >= leavingTime) flush();
      else if (first) begun();
    },
    connection(step) {
      connections.add(step);
      schedule();
    },
    newcomers(step) {
      newcomers.add(step);
      if (scheduled) return;
      schedule();
      serveNewcomers(0);
    },
  };
}
