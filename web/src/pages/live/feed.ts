// What came, newest first, bounded, and shown at most once a frame.
import type { Gap } from '@cstar/client';

/** So many rows are kept, and the newest of them. */
export const ROWS_MAX = 50_000;
/** And no more text than this, since one event may be 96 KiB. */
export const CHARACTERS_MAX = 64 * 1024 * 1024;
/** Old rows are let go in bulk: so many more than are kept may be there meanwhile. */
const SLACK = 1.2;

export interface EventRow {
  kind: 'event';
  key: string;
  id: string;
  type: string;
  createdAt: string;
  /** Its data as JSON: what is searched and shown the beginning of. */
  text: string;
}

export interface GapRow {
  kind: 'gap';
  key: string;
  gap: Gap;
  text: '';
}

export type Row = EventRow | GapRow;
export type Wanted = (row: EventRow) => boolean;

export interface Shown {
  rows: readonly Row[];
  /** How many that are wanted came since, and are not shown while somebody reads. */
  waiting: number;
  /** How many came since the feed began, wanted or not. */
  came: number;
}

const NOTHING: Shown = { rows: [], waiting: 0, came: 0 };

/** `schedule` runs its argument before the next frame. */
export class Feed {
  /** Oldest first: to add is cheap. */
  #log: Row[] = [];
  /** Those of the log that are wanted. */
  #wanted: Row[] = [];
  #characters = 0;
  #came = 0;
  /** How many of the log came since what is shown was made, wanted or not … */
  #unseen = 0;
  /** … and wanted. */
  #waiting = 0;
  #want: Wanted = () => true;
  #isHeld = false;
  #isScheduled = false;
  #shown: Shown = NOTHING;
  readonly #readers = new Set<() => void>();
  readonly #schedule: (run: () => void) => void;

  constructor(schedule: (run: () => void) => void = (run) => requestAnimationFrame(run)) {
    this.#schedule = schedule;
  }

  add(row: Row): void {
    this.#log.push(row);
    this.#unseen += 1;
    this.#characters += row.text.length;
    if (row.kind === 'event') this.#came += 1;
    if (this.#wants(row)) {
      this.#wanted.push(row);
      this.#waiting += 1;
    }
    if (this.#log.length > ROWS_MAX * SLACK || this.#characters > CHARACTERS_MAX * SLACK) this.#letGo();
    this.#later();
  }

  /** Shows what is wanted of all that is kept; while it is held, of what was there before. */
  want(want: Wanted): void {
    this.#want = want;
    this.#wanted = this.#log.filter((row) => this.#wants(row));
    if (!this.#isHeld) return this.#show();
    const seen = this.#log.slice(0, Math.max(0, this.#log.length - this.#unseen)).filter((row) => this.#wants(row));
    this.#waiting = this.#wanted.length - seen.length;
    this.#tell({ rows: seen.slice(-ROWS_MAX).reverse(), waiting: this.#waiting, came: this.#came });
  }

  /** While it is held, what is shown stays as it is. */
  hold(isHeld: boolean): void {
    if (this.#isHeld === isHeld) return;
    this.#isHeld = isHeld;
    this.#later();
  }

  clear(): void {
    this.#log = [];
    this.#wanted = [];
    this.#characters = this.#came = 0;
    this.#show();
  }

  readonly subscribe = (reader: () => void): (() => void) => {
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  };

  readonly shown = (): Shown => this.#shown;

  #wants(row: Row): boolean {
    return row.kind === 'gap' || this.#want(row);
  }

  #letGo(): void {
    let first = Math.max(0, this.#log.length - ROWS_MAX);
    let characters = this.#log.slice(first).reduce((sum, { text }) => sum + text.length, 0);
    while (characters > CHARACTERS_MAX && first < this.#log.length - 1) characters -= this.#log[first++]!.text.length;
    const gone = new Set(this.#log.slice(0, first));
    this.#log = this.#log.slice(first);
    this.#characters = characters;
    this.#wanted = this.#wanted.filter((row) => !gone.has(row));
  }

  #later(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#schedule(() => {
      this.#isScheduled = false;
      if (this.#isHeld) this.#tell({ ...this.#shown, waiting: this.#waiting, came: this.#came });
      else this.#show();
    });
  }

  #show(): void {
    this.#unseen = this.#waiting = 0;
    this.#tell({ rows: this.#wanted.slice(-ROWS_MAX).reverse(), waiting: 0, came: this.#came });
  }

  #tell(shown: Shown): void {
    this.#shown = shown;
    for (const reader of this.#readers) reader();
  }
}
