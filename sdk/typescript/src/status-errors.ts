// Refusals of calls: a class for each status that asks for something else.
import { ApiError, type Refusal } from './errors.js';

/** 400: the request cannot be read. */
export class BadRequestError extends ApiError {
  override readonly name = 'BadRequestError';
}

/** 401: no key, or one that is not taken (any more). */
export class AuthenticationError extends ApiError {
  override readonly name = 'AuthenticationError';
}

/** 403: the key may not do this. */
export class PermissionError extends ApiError {
  override readonly name = 'PermissionError';
}

/** 404: there is no such thing, or not for this key. */
export class NotFoundError extends ApiError {
  override readonly name = 'NotFoundError';
}

/** 409: it cannot be done as things stand. */
export class ConflictError extends ApiError {
  override readonly name = 'ConflictError';
}

/** 413: larger than allowed. */
export class TooLargeError extends ApiError {
  override readonly name = 'TooLargeError';
}

/** 422: readable, and a value in it is not as it should be; `problem.errors` names the fields. */
export class InvalidError extends ApiError {
  override readonly name = 'InvalidError';
}

/** 429: too much, too fast. */
export class RateLimitError extends ApiError {
  override readonly name = 'RateLimitError';
}

/** 5xx: a fault of the server, or of something before it. */
export class ServerError extends ApiError {
  override readonly name = 'ServerError';
}

const CLASSES: Record<number, typeof ApiError> = {
  400: BadRequestError,
  401: AuthenticationError,
  403: PermissionError,
  404: NotFoundError,
  409: ConflictError,
  413: TooLargeError,
  422: InvalidError,
  429: RateLimitError,
};

/** The error of the class for its status. */
export function apiError(refusal: Refusal): ApiError {
  const Class = CLASSES[refusal.status] ?? (refusal.status >= 500 ? ServerError : ApiError);
  return new Class(refusal);
}
