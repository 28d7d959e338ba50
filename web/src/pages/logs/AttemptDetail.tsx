import type { Attempt, DeliveryDetail, Envelope } from '@cstar/client';
import { Body } from '../../ui/Body.tsx';
import { Code } from '../../ui/Code.tsx';
import { Copy } from '../../ui/Copy.tsx';
import { Refusal } from '../../ui/State.tsx';
import css from './AttemptDetail.module.css';
import { asCurl, bodyOf, headerText, requestHeaders } from './request.ts';

interface Props {
  attempt: Attempt;
  delivery: DeliveryDetail;
  event: Envelope | undefined;
  eventError: unknown;
}

/** What was asked and what was answered. */
export function AttemptDetail(props: Props) {
  return (
    <div className={css.sides}>
      <Request {...props} />
      <Response attempt={props.attempt} />
    </div>
  );
}

function Request({ attempt, delivery, event, eventError }: Props) {
  const headers = requestHeaders(delivery, attempt);
  const body = event && bodyOf(event);
  const url = attempt.request?.url;
  return (
    <section className={css.side} aria-label={`Request of attempt ${attempt.number}`}>
      <div className={css.head}>
        <h3>Request</h3>
        {url && body !== undefined && <Copy text={asCurl(url, headers, body)} label="Copy as curl" showLabel="all" />}
      </div>
      {attempt.request ? (
        <p className={css.url}>
          POST <code>{attempt.request.url}</code>
          {attempt.request.address && <> at {attempt.request.address}</>}
        </p>
      ) : (
        <p className={css.soft}>Your sign-in does not show where it was sent.</p>
      )}
      <Code label={`request headers of attempt ${attempt.number}`} language="text" text={headerText(headers)} bounded />
      <p className={css.soft}>With it went host, user-agent, webhook-signature and the webhook’s own headers, of which no copy is kept.</p>
      {body !== undefined && <Body label={`request body of attempt ${attempt.number}`} text={body} />}
      <Refusal error={eventError} />
    </section>
  );
}

function Response({ attempt }: { attempt: Attempt }) {
  const { number, status_code, response_headers, response_body } = attempt;
  if (status_code == null) {
    return (
      <section className={css.side} aria-label={`Response of attempt ${number}`}>
        <h3>Response</h3>
        <p className={css.soft}>There was none.</p>
      </section>
    );
  }
  return (
    <section className={css.side} aria-label={`Response of attempt ${number}`}>
      <h3>
        Response <span className={css.code}>{status_code}</span>
      </h3>
      {response_headers.length > 0 && (
        <Code label={`response headers of attempt ${number}`} language="text" text={headerText(response_headers)} bounded />
      )}
      {response_body === '' ? <p className={css.soft}>Its body was empty.</p> : <Body label={`response body of attempt ${number}`} text={response_body} />}
    </section>
  );
}
