// Events and the types of handlers, for a map from event type to data.
import type { CatalogEvents } from '../generated/catalog.js';

/** An event as webhooks, lists and the command line have it, `data` flat. */
export interface Envelope<Type extends string = string, Data = Record<string, unknown>> {
  /** Begins with `evt_`; the same everywhere. */
  id: string;
  /** `resource.action`. */
  type: Type;
  /** The team's UUID. */
  team_id: string;
  /** In UTC, to the second: `2025-12-10T14:30:00Z`. */
  created_at: string;
  data: Data;
}

/** The event types of a map. */
export type TypeOf<Events> = keyof Events & string;

type Resource<Type> = Type extends `${infer R}.${string}` ? R : never;
type Action<Type> = Type extends `${string}.${infer A}` ? A : never;

/** Every pattern that something in the map matches. */
export type PatternOf<Events> =
  | '*'
  | TypeOf<Events>
  | `${Resource<TypeOf<Events>>}.*`
  | `*.${Action<TypeOf<Events>>}`;

/** The types of the map that a pattern matches. */
export type Matching<Events, Pattern extends string> = Pattern extends '*'
  ? TypeOf<Events>
  : Pattern extends `*.${infer A}`
    ? Extract<TypeOf<Events>, `${string}.${A}`>
    : Pattern extends `${infer R}.*`
      ? Extract<TypeOf<Events>, `${R}.${string}`>
      : Extract<TypeOf<Events>, Pattern>;

/** `data` as the stream's handlers see it: flat, and under the name of the resource too, unless it has that name already. */
export type WithResource<Type, Data> = Data & (Resource<Type> extends keyof Data ? unknown : { [R in Resource<Type>]: Data });

type RealtimeEventOf<Events, Type extends TypeOf<Events>> = Type extends TypeOf<Events>
  ? Envelope<Type, WithResource<Type, Events[Type]>>
  : never;

/**
 * What a handler of a pattern is given: the union of the types that match. A pattern that is known at run time alone gives
 * `Envelope`, as does a map that names no types.
 */
export type RealtimeEvent<Events = CatalogEvents, Pattern extends string = '*'> = string extends TypeOf<Events>
  ? Envelope<string, Events[TypeOf<Events>]>
  : string extends Pattern
    ? Envelope
    : RealtimeEventOf<Events, Matching<Events, Pattern>>;

/** An event of the map as everything but the stream has it. */
export type FlatEvent<Events = CatalogEvents, Type extends TypeOf<Events> = TypeOf<Events>> = Type extends TypeOf<Events>
  ? Envelope<Type, Events[Type]>
  : never;

/** `never` for a text that is known before run time, which then must be one of the map's patterns. */
export type NotLiteral<Pattern extends string> = string extends Pattern ? unknown : never;
