/**
 * Shows a page that broke as a refusal in words, instead of nothing.
 *
 * @module
 */
import { Component, type ReactNode } from 'react'
import { ProblemAlert } from '../parts/problem-alert.tsx'

interface State {
  error: unknown
}

export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null }

  static getDerivedStateFromError(error: unknown): State {
    return { error }
  }

  override render() {
    const { error } = this.state
    if (error === null) return this.props.children
    return <ProblemAlert error={error} onRetry={() => this.setState({ error: null })} />
  }
}
