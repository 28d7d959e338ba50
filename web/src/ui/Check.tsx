import type { ReactNode } from 'react';
import { Checkbox, type CheckboxProps } from 'react-aria-components';
import css from './Check.module.css';

/** A checkbox with its text, which belongs to what can be pressed. */
export function Check({ children, ...rest }: Omit<CheckboxProps, 'children' | 'className'> & { children: ReactNode }) {
  return (
    <Checkbox {...rest} className={css.check!}>
      {({ isSelected, isIndeterminate }) => (
        <>
          <span className={css.box} aria-hidden="true">
            <svg viewBox="0 0 16 16">{isIndeterminate ? <path d="M4 8h8" /> : isSelected && <path d="M3.5 8.5l3 3 6-7" />}</svg>
          </span>
          <span className={css.text}>{children}</span>
        </>
      )}
    </Checkbox>
  );
}
