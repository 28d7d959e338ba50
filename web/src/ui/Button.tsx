import { Button as AriaButton, type ButtonProps } from 'react-aria-components';
import { Link, type LinkProps } from 'wouter';
import css from './Button.module.css';

type Look = 'primary' | 'plain' | 'quiet' | 'danger';

interface Props extends Omit<ButtonProps, 'className'> {
  look?: Look;
  small?: boolean;
}

/** `isPending` keeps it in focus and takes no second press, so that nothing is sent twice. */
export function Button({ look = 'plain', small = false, children, ...rest }: Props) {
  return (
    <AriaButton {...rest} className={classes(look, small)}>
      {(state) => (
        <>
          {state.isPending && <span className={css.spinner} aria-hidden="true" />}
          {typeof children === 'function' ? children(state) : children}
        </>
      )}
    </AriaButton>
  );
}

/** A link to another page that looks like a button. */
export function ButtonLink({ look = 'plain', small = false, ...rest }: LinkProps & { look?: Look; small?: boolean }) {
  return <Link {...rest} className={classes(look, small)} />;
}

function classes(look: Look, small: boolean): string {
  return [css.button, css[look], small && css.small].filter(Boolean).join(' ');
}
