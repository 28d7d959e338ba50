// Places in a team's log: `<epoch>.<seq>`.

const FORM = /^([1-9]\d{0,19})\.(0|[1-9]\d{0,19})$/;

export interface Position {
  readonly epoch: bigint;
  readonly seq: bigint;
  readonly text: string;
}

/** The position that the text is, if it is one. */
export function position(text: unknown): Position | undefined {
  const parts = typeof text === 'string' ? FORM.exec(text) : null;
  return parts ? { epoch: BigInt(parts[1]!), seq: BigInt(parts[2]!), text: parts[0] } : undefined;
}

/** Whether `a` lies behind `b`, so that who has read `b` has not read `a`. */
export const isBehind = (a: Position, b: Position): boolean => a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq);

/** The place in front of it, in the same epoch. */
export const before = ({ epoch, seq }: Position): string => `${epoch}.${seq > 0n ? seq - 1n : 0n}`;
