// Clients of a team, made of the built package.
import { CStarClient } from '../built.mjs';

export * from '../built.mjs';

/** A client of the team, by its key unless told otherwise. */
export const clientOf = (team, options) => new CStarClient({ baseUrl: team.api.url, teamId: team.id, apiKey: team.key, ...options });
