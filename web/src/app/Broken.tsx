import { Component, type ReactNode } from 'react';
import { Failure } from '../ui/State.tsx';

/** A page that cannot be drawn says so; the rest stays. After an upgrade of the server, its parts have other names. */
export class Broken extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return <Failure error={this.state.error} title="This page could not be shown" onRetry={() => location.reload()} />;
  }
}
