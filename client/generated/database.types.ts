// Generated from the database by npm run generate. Do not edit.

export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]

export type Database = {
  public: {
    Tables: {
      organisation_access_review_items: {
        Row: {
          decided_at: string | null
          decided_by: string | null
          decision: string | null
          granted_at: string
          granted_by: string | null
          id: string
          organisation_id: string
          reason: string | null
          review_id: string
          role: string
          user_id: string
        }
        ComputedFields: never
        Insert: {
          decided_at?: string | null
          decided_by?: string | null
          decision?: string | null
          granted_at: string
          granted_by?: string | null
          id?: string
          organisation_id: string
          reason?: string | null
          review_id: string
          role: string
          user_id: string
        }
        Update: {
          decided_at?: string | null
          decided_by?: string | null
          decision?: string | null
          granted_at?: string
          granted_by?: string | null
          id?: string
          organisation_id?: string
          reason?: string | null
          review_id?: string
          role?: string
          user_id?: string
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_access_review_items_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
          {
            foreignKeyName: 'organisation_access_review_items_review_id_fkey'
            columns: ['review_id']
            isOneToOne: false
            referencedRelation: 'organisation_access_reviews'
            referencedColumns: ['id']
          },
        ]
      }
      organisation_access_reviews: {
        Row: {
          closed_by: string | null
          closed_reason: string | null
          due_at: string
          ended_at: string | null
          id: string
          organisation_id: string
          reminded_at: string | null
          started_at: string
          started_by: string | null
          status: string
          title: string
        }
        ComputedFields: never
        Insert: {
          closed_by?: string | null
          closed_reason?: string | null
          due_at: string
          ended_at?: string | null
          id?: string
          organisation_id: string
          reminded_at?: string | null
          started_at?: string
          started_by?: string | null
          status?: string
          title: string
        }
        Update: {
          closed_by?: string | null
          closed_reason?: string | null
          due_at?: string
          ended_at?: string | null
          id?: string
          organisation_id?: string
          reminded_at?: string | null
          started_at?: string
          started_by?: string | null
          status?: string
          title?: string
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_access_reviews_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
        ]
      }
      organisation_audit_events: {
        Row: {
          actor_id: string | null
          actor_kind: string
          after: Json | null
          before: Json | null
          claimed_ip: string | null
          event: string
          id: string
          ip: string | null
          occurred_at: string
          organisation_id: string
          reason: string | null
          target_id: string
          target_kind: string
          user_agent: string | null
        }
        ComputedFields: never
        Insert: {
          actor_id?: string | null
          actor_kind: string
          after?: Json | null
          before?: Json | null
          claimed_ip?: string | null
          event: string
          id?: string
          ip?: string | null
          occurred_at?: string
          organisation_id: string
          reason?: string | null
          target_id: string
          target_kind: string
          user_agent?: string | null
        }
        Update: {
          actor_id?: string | null
          actor_kind?: string
          after?: Json | null
          before?: Json | null
          claimed_ip?: string | null
          event?: string
          id?: string
          ip?: string | null
          occurred_at?: string
          organisation_id?: string
          reason?: string | null
          target_id?: string
          target_kind?: string
          user_agent?: string | null
        }
        Relationships: []
      }
      organisation_deliveries: {
        Row: {
          attempts: number
          bounced_at: string | null
          caused_by: string | null
          complained_at: string | null
          created_at: string
          dedupe_key: string | null
          delivered_at: string | null
          due_at: string
          event_id: string | null
          facts: NonNullable<Json>
          fence: number
          id: string
          in_doubt_at: string | null
          invite_id: string | null
          is_bulk: boolean
          is_paced: boolean
          issue: number | null
          kind: string
          last_response: string | null
          last_status_code: string | null
          leased_by: string | null
          locale: string | null
          mailbox: string | null
          member_id: string | null
          opened_at: string | null
          organisation_id: string | null
          provider_message_id: string | null
          recipient: string
          sent_at: string | null
          status: string
          taken_at: string | null
        }
        ComputedFields: never
        Insert: {
          attempts?: number
          bounced_at?: string | null
          caused_by?: string | null
          complained_at?: string | null
          created_at?: string
          dedupe_key?: string | null
          delivered_at?: string | null
          due_at?: string
          event_id?: string | null
          facts?: NonNullable<Json>
          fence?: number
          id?: string
          in_doubt_at?: string | null
          invite_id?: string | null
          is_bulk?: boolean
          is_paced?: boolean
          issue?: number | null
          kind: string
          last_response?: string | null
          last_status_code?: string | null
          leased_by?: string | null
          locale?: string | null
          mailbox?: never
          member_id?: string | null
          opened_at?: string | null
          organisation_id?: string | null
          provider_message_id?: string | null
          recipient: string
          sent_at?: string | null
          status?: string
          taken_at?: string | null
        }
        Update: {
          attempts?: number
          bounced_at?: string | null
          caused_by?: string | null
          complained_at?: string | null
          created_at?: string
          dedupe_key?: string | null
          delivered_at?: string | null
          due_at?: string
          event_id?: string | null
          facts?: NonNullable<Json>
          fence?: number
          id?: string
          in_doubt_at?: string | null
          invite_id?: string | null
          is_bulk?: boolean
          is_paced?: boolean
          issue?: number | null
          kind?: string
          last_response?: string | null
          last_status_code?: string | null
          leased_by?: string | null
          locale?: string | null
          mailbox?: never
          member_id?: string | null
          opened_at?: string | null
          organisation_id?: string | null
          provider_message_id?: string | null
          recipient?: string
          sent_at?: string | null
          status?: string
          taken_at?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_deliveries_invite_id_fkey'
            columns: ['invite_id']
            isOneToOne: false
            referencedRelation: 'organisation_invites'
            referencedColumns: ['id']
          },
          {
            foreignKeyName: 'organisation_deliveries_member_id_fkey'
            columns: ['member_id']
            isOneToOne: false
            referencedRelation: 'organisation_members'
            referencedColumns: ['id']
          },
          {
            foreignKeyName: 'organisation_deliveries_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
        ]
      }
      organisation_directory_copies: {
        Row: {
          attempts: number
          change: number
          due_at: string
          endpoint_id: string
          fence: number
          last_error: string | null
          leased_until: string | null
          member_id: string
          organisation_id: string
          remote_id: string | null
          roles: string[]
          status: string
          synced_at: string | null
        }
        ComputedFields: never
        Insert: {
          attempts?: number
          change?: number
          due_at?: string
          endpoint_id: string
          fence?: number
          last_error?: string | null
          leased_until?: string | null
          member_id: string
          organisation_id: string
          remote_id?: string | null
          roles?: string[]
          status?: string
          synced_at?: string | null
        }
        Update: {
          attempts?: number
          change?: number
          due_at?: string
          endpoint_id?: string
          fence?: number
          last_error?: string | null
          leased_until?: string | null
          member_id?: string
          organisation_id?: string
          remote_id?: string | null
          roles?: string[]
          status?: string
          synced_at?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_directory_copies_endpoint_id_fkey'
            columns: ['endpoint_id']
            isOneToOne: false
            referencedRelation: 'organisation_directory_endpoints'
            referencedColumns: ['id']
          },
          {
            foreignKeyName: 'organisation_directory_copies_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
        ]
      }
      organisation_directory_endpoints: {
        Row: {
          created_at: string
          created_by: string
          drift: number | null
          failures: number
          features: Json | null
          fence: number
          id: string
          is_enabled: boolean
          last_error: string | null
          last_success_at: string | null
          leased_at: string | null
          name: string
          organisation_id: string
          reconcile_at: string
          reconciled_at: string | null
          retry_at: string | null
          url: string
        }
        ComputedFields: never
        Insert: {
          created_at?: string
          created_by: string
          drift?: number | null
          failures?: number
          features?: Json | null
          fence?: number
          id?: string
          is_enabled?: boolean
          last_error?: string | null
          last_success_at?: string | null
          leased_at?: string | null
          name: string
          organisation_id: string
          reconcile_at?: string
          reconciled_at?: string | null
          retry_at?: string | null
          url: string
        }
        Update: {
          created_at?: string
          created_by?: string
          drift?: number | null
          failures?: number
          features?: Json | null
          fence?: number
          id?: string
          is_enabled?: boolean
          last_error?: string | null
          last_success_at?: string | null
          leased_at?: string | null
          name?: string
          organisation_id?: string
          reconcile_at?: string
          reconciled_at?: string | null
          retry_at?: string | null
          url?: string
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_directory_endpoints_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
        ]
      }
      organisation_directory_tokens: {
        Row: {
          carried_roles: string[]
          created_at: string
          created_by: string
          expires_at: string | null
          id: string
          last_used_at: string | null
          name: string
          organisation_id: string
          responsible_id: string
          revoked_at: string | null
          revoked_by: string | null
          stops_at: string | null
        }
        ComputedFields: never
        Insert: {
          carried_roles?: string[]
          created_at?: string
          created_by: string
          expires_at?: string | null
          id?: string
          last_used_at?: string | null
          name: string
          organisation_id: string
          responsible_id: string
          revoked_at?: string | null
          revoked_by?: string | null
          stops_at?: string | null
        }
        Update: {
          carried_roles?: string[]
          created_at?: string
          created_by?: string
          expires_at?: string | null
          id?: string
          last_used_at?: string | null
          name?: string
          organisation_id?: string
          responsible_id?: string
          revoked_at?: string | null
          revoked_by?: string | null
          stops_at?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_directory_tokens_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
        ]
      }
      organisation_domains: {
        Row: {
          checked_at: string | null
          created_at: string
          domain: string
          id: string
          join_policy: string
          organisation_id: string
          responsible_id: string | null
          role: string
          stops_at: string | null
          verification: string
          verified_at: string | null
        }
        ComputedFields: never
        Insert: {
          checked_at?: string | null
          created_at?: string
          domain: string
          id?: string
          join_policy?: string
          organisation_id: string
          responsible_id?: string | null
          role?: string
          stops_at?: string | null
          verification: string
          verified_at?: string | null
        }
        Update: {
          checked_at?: string | null
          created_at?: string
          domain?: string
          id?: string
          join_policy?: string
          organisation_id?: string
          responsible_id?: string | null
          role?: string
          stops_at?: string | null
          verification?: string
          verified_at?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_domains_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
        ]
      }
      organisation_email_templates: {
        Row: {
          body: string | null
          button: string | null
          created_at: string
          failed_at: string | null
          failure: string | null
          heading: string | null
          id: string
          is_default: boolean
          kind: string
          locale: string
          name: string
          organisation_id: string
          subject: string | null
          updated_at: string
        }
        ComputedFields: never
        Insert: {
          body?: string | null
          button?: string | null
          created_at?: string
          failed_at?: string | null
          failure?: string | null
          heading?: string | null
          id?: string
          is_default?: boolean
          kind: string
          locale: string
          name: string
          organisation_id: string
          subject?: string | null
          updated_at?: string
        }
        Update: {
          body?: string | null
          button?: string | null
          created_at?: string
          failed_at?: string | null
          failure?: string | null
          heading?: string | null
          id?: string
          is_default?: boolean
          kind?: string
          locale?: string
          name?: string
          organisation_id?: string
          subject?: string | null
          updated_at?: string
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_email_templates_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
        ]
      }
      organisation_join_requests: {
        Row: {
          created_at: string
          decided_at: string | null
          decided_by: string | null
          email: string
          id: string
          organisation_id: string
          reason: string | null
          status: string
          user_id: string
        }
        ComputedFields: never
        Insert: {
          created_at?: string
          decided_at?: string | null
          decided_by?: string | null
          email: string
          id?: string
          organisation_id: string
          reason?: string | null
          status?: string
          user_id: string
        }
        Update: {
          created_at?: string
          decided_at?: string | null
          decided_by?: string | null
          email?: string
          id?: string
          organisation_id?: string
          reason?: string | null
          status?: string
          user_id?: string
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_join_requests_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
        ]
      }
      organisation_members: {
        Row: {
          announced_end_at: string | null
          display_name: string | null
          email: string | null
          ended_at: string | null
          ends_at: string | null
          id: string
          joined_at: string
          kind: string
          next_end_at: string | null
          organisation_id: string
          role_ends: NonNullable<Json>
          roles: string[]
          status: string
          status_reason: string | null
          user_id: string
        }
        ComputedFields: never
        Insert: {
          announced_end_at?: string | null
          display_name?: string | null
          email?: string | null
          ended_at?: string | null
          ends_at?: string | null
          id?: string
          joined_at?: string
          kind?: string
          next_end_at?: string | null
          organisation_id: string
          role_ends?: NonNullable<Json>
          roles: string[]
          status?: string
          status_reason?: string | null
          user_id: string
        }
        Update: {
          announced_end_at?: string | null
          display_name?: string | null
          email?: string | null
          ended_at?: string | null
          ends_at?: string | null
          id?: string
          joined_at?: string
          kind?: string
          next_end_at?: string | null
          organisation_id?: string
          role_ends?: NonNullable<Json>
          roles?: string[]
          status?: string
          status_reason?: string | null
          user_id?: string
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_members_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
        ]
      }
      organisation_role_exclusions: {
        Row: {
          cardinality: number
          name: string
          organisation_id: string
          roles: string[]
        }
        ComputedFields: never
        Insert: {
          cardinality?: number
          name: string
          organisation_id: string
          roles: string[]
        }
        Update: {
          cardinality?: number
          name?: string
          organisation_id?: string
          roles?: string[]
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_role_exclusions_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
        ]
      }
      organisation_roles: {
        Row: {
          created_at: string
          description: string
          granted_permissions: string[]
          id: string
          inherits: string[]
          name: string
          organisation_id: string | null
          permissions: string[]
        }
        ComputedFields: never
        Insert: {
          created_at?: string
          description?: string
          granted_permissions?: string[]
          id?: string
          inherits?: string[]
          name: string
          organisation_id?: string | null
          permissions?: string[]
        }
        Update: {
          created_at?: string
          description?: string
          granted_permissions?: string[]
          id?: string
          inherits?: string[]
          name?: string
          organisation_id?: string | null
          permissions?: string[]
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_roles_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
        ]
      }
      organisation_sign_in_rules: {
        Row: {
          domain: string | null
          for_members: boolean
          level: string
          max_age: string | null
          methods: string[]
          organisation_id: string
          provider: string | null
          updated_at: string
        }
        ComputedFields: never
        Insert: {
          domain?: string | null
          for_members?: boolean
          level?: string
          max_age?: string | null
          methods?: string[]
          organisation_id: string
          provider?: string | null
          updated_at?: string
        }
        Update: {
          domain?: string | null
          for_members?: boolean
          level?: string
          max_age?: string | null
          methods?: string[]
          organisation_id?: string
          provider?: string | null
          updated_at?: string
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_sign_in_rules_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: true
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
        ]
      }
      organisation_webhook_deliveries: {
        Row: {
          attempts: number
          created_at: string
          delivered_at: string | null
          due_at: string
          event: string
          event_id: string
          fence: number
          id: string
          last_response: string | null
          last_status_code: number | null
          leased_by: string | null
          organisation_id: string
          status: string
          tries: NonNullable<Json>
          webhook_id: string
        }
        ComputedFields: never
        Insert: {
          attempts?: number
          created_at?: string
          delivered_at?: string | null
          due_at?: string
          event: string
          event_id: string
          fence?: number
          id?: string
          last_response?: string | null
          last_status_code?: number | null
          leased_by?: string | null
          organisation_id: string
          status?: string
          tries?: NonNullable<Json>
          webhook_id: string
        }
        Update: {
          attempts?: number
          created_at?: string
          delivered_at?: string | null
          due_at?: string
          event?: string
          event_id?: string
          fence?: number
          id?: string
          last_response?: string | null
          last_status_code?: number | null
          leased_by?: string | null
          organisation_id?: string
          status?: string
          tries?: NonNullable<Json>
          webhook_id?: string
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_webhook_deliveries_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
          {
            foreignKeyName: 'organisation_webhook_deliveries_webhook_id_fkey'
            columns: ['webhook_id']
            isOneToOne: false
            referencedRelation: 'organisation_webhooks'
            referencedColumns: ['id']
          },
        ]
      }
      organisation_webhooks: {
        Row: {
          created_at: string
          description: string
          disabled_at: string | null
          disabled_reason: string | null
          events: string[] | null
          failing_since: string | null
          id: string
          is_enabled: boolean
          organisation_id: string
          url: string
        }
        ComputedFields: never
        Insert: {
          created_at?: string
          description?: string
          disabled_at?: string | null
          disabled_reason?: string | null
          events?: string[] | null
          failing_since?: string | null
          id?: string
          is_enabled?: boolean
          organisation_id: string
          url: string
        }
        Update: {
          created_at?: string
          description?: string
          disabled_at?: string | null
          disabled_reason?: string | null
          events?: string[] | null
          failing_since?: string | null
          id?: string
          is_enabled?: boolean
          organisation_id?: string
          url?: string
        }
        Relationships: [
          {
            foreignKeyName: 'organisation_webhooks_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
        ]
      }
      organisations: {
        Row: {
          accent_colour: string | null
          allowed_email_domains: string[]
          audit_retention: string | null
          created_at: string
          credential_grace: string
          expiry_mail: boolean
          id: string
          invite_ttl: string
          locale: string
          logo_url: string | null
          name: string
          reminder_before: string | null
          reply_to: string | null
          seat_limit: number | null
          self_service_resend: boolean
          sender_name: string | null
          slug: string
          track_opens: boolean
        }
        ComputedFields: never
        Insert: {
          accent_colour?: string | null
          allowed_email_domains?: string[]
          audit_retention?: string | null
          created_at?: string
          credential_grace?: string
          expiry_mail?: boolean
          id?: string
          invite_ttl?: string
          locale?: string
          logo_url?: string | null
          name: string
          reminder_before?: string | null
          reply_to?: string | null
          seat_limit?: number | null
          self_service_resend?: boolean
          sender_name?: string | null
          slug: string
          track_opens?: boolean
        }
        Update: {
          accent_colour?: string | null
          allowed_email_domains?: string[]
          audit_retention?: string | null
          created_at?: string
          credential_grace?: string
          expiry_mail?: boolean
          id?: string
          invite_ttl?: string
          locale?: string
          logo_url?: string | null
          name?: string
          reminder_before?: string | null
          reply_to?: string | null
          seat_limit?: number | null
          self_service_resend?: boolean
          sender_name?: string | null
          slug?: string
          track_opens?: boolean
        }
        Relationships: []
      }
    }
    Views: {
      organisation_invites: {
        Row: {
          accepted_at: string | null
          accepted_by: string | null
          bounced_at: string | null
          created_at: string
          declined_at: string | null
          declined_reason: string | null
          device_name: string | null
          email: string | null
          expires_at: string
          id: string
          invited_by: string | null
          issued_at: string
          kind: string
          locale: string | null
          membership_ends_at: string | null
          message: string | null
          metadata: NonNullable<Json>
          organisation_id: string
          redirect_to: string | null
          resend_count: number | null
          revoked_at: string | null
          revoked_by: string | null
          revoked_reason: string | null
          roles: string[]
          status: string | null
          template_id: string | null
        }
        ComputedFields: never
        Insert: {
          accepted_at?: string | null
          accepted_by?: string | null
          bounced_at?: string | null
          created_at?: string | null
          declined_at?: string | null
          declined_reason?: string | null
          device_name?: string | null
          email?: string | null
          expires_at?: string | null
          id?: string | null
          invited_by?: string | null
          issued_at?: string | null
          kind?: string | null
          locale?: string | null
          membership_ends_at?: string | null
          message?: string | null
          metadata?: Json | null
          organisation_id?: string | null
          redirect_to?: string | null
          resend_count?: never
          revoked_at?: string | null
          revoked_by?: string | null
          revoked_reason?: string | null
          roles?: string[] | null
          status?: never
          template_id?: string | null
        }
        Update: {
          accepted_at?: string | null
          accepted_by?: string | null
          bounced_at?: string | null
          created_at?: string | null
          declined_at?: string | null
          declined_reason?: string | null
          device_name?: string | null
          email?: string | null
          expires_at?: string | null
          id?: string | null
          invited_by?: string | null
          issued_at?: string | null
          kind?: string | null
          locale?: string | null
          membership_ends_at?: string | null
          message?: string | null
          metadata?: Json | null
          organisation_id?: string | null
          redirect_to?: string | null
          resend_count?: never
          revoked_at?: string | null
          revoked_by?: string | null
          revoked_reason?: string | null
          roles?: string[] | null
          status?: never
          template_id?: string | null
        }
        Relationships: [
          {
            foreignKeyName: 'invites_organisation_id_fkey'
            columns: ['organisation_id']
            isOneToOne: false
            referencedRelation: 'organisations'
            referencedColumns: ['id']
          },
          {
            foreignKeyName: 'invites_template_id_fkey'
            columns: ['template_id']
            isOneToOne: false
            referencedRelation: 'organisation_email_templates'
            referencedColumns: ['id']
          },
        ]
      }
    }
    Functions: {
      accept_my_organisation_invite: {
        Args: { invite_id: string }
        Returns: {
          announced_end_at: string | null
          display_name: string | null
          email: string | null
          ended_at: string | null
          ends_at: string | null
          id: string
          joined_at: string
          kind: string
          next_end_at: string | null
          organisation_id: string
          role_ends: NonNullable<Json>
          roles: string[]
          status: string
          status_reason: string | null
          user_id: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_members'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      accept_organisation_invite: {
        Args: { token: string }
        Returns: {
          announced_end_at: string | null
          display_name: string | null
          email: string | null
          ended_at: string | null
          ends_at: string | null
          id: string
          joined_at: string
          kind: string
          next_end_at: string | null
          organisation_id: string
          role_ends: NonNullable<Json>
          roles: string[]
          status: string
          status_reason: string | null
          user_id: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_members'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      answer_organisation_access_review: {
        Args: { answers: Json; review_id: string }
        Returns: {
          closed_by: string | null
          closed_reason: string | null
          due_at: string
          ended_at: string | null
          id: string
          organisation_id: string
          reminded_at: string | null
          started_at: string
          started_by: string | null
          status: string
          title: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_access_reviews'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      approve_organisation_join_request: {
        Args: { request_id: string; roles?: string[] }
        Returns: {
          announced_end_at: string | null
          display_name: string | null
          email: string | null
          ended_at: string | null
          ends_at: string | null
          id: string
          joined_at: string
          kind: string
          next_end_at: string | null
          organisation_id: string
          role_ends: NonNullable<Json>
          roles: string[]
          status: string
          status_reason: string | null
          user_id: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_members'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      ban_organisation_member: {
        Args: { organisation_id: string; reason?: string; user_id: string }
        Returns: {
          announced_end_at: string | null
          display_name: string | null
          email: string | null
          ended_at: string | null
          ends_at: string | null
          id: string
          joined_at: string
          kind: string
          next_end_at: string | null
          organisation_id: string
          role_ends: NonNullable<Json>
          roles: string[]
          status: string
          status_reason: string | null
          user_id: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_members'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      call_organisation_function_once: {
        Args: { arguments: Json; function_name: string; idempotency_key: string }
        Returns: Database['public']['CompositeTypes']['organisation_call']
        SetofOptions: {
          from: '*'
          to: 'organisation_call'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      close_organisation_access_review: {
        Args: { reason?: string; review_id: string }
        Returns: {
          closed_by: string | null
          closed_reason: string | null
          due_at: string
          ended_at: string | null
          id: string
          organisation_id: string
          reminded_at: string | null
          started_at: string
          started_by: string | null
          status: string
          title: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_access_reviews'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_organisation: {
        Args: { name: string; slug?: string }
        Returns: {
          accent_colour: string | null
          allowed_email_domains: string[]
          audit_retention: string | null
          created_at: string
          credential_grace: string
          expiry_mail: boolean
          id: string
          invite_ttl: string
          locale: string
          logo_url: string | null
          name: string
          reminder_before: string | null
          reply_to: string | null
          seat_limit: number | null
          self_service_resend: boolean
          sender_name: string | null
          slug: string
          track_opens: boolean
        }
        SetofOptions: {
          from: '*'
          to: 'organisations'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_organisation_device_invite: {
        Args: { device_name: string; expires_in?: string; organisation_id: string; roles: string[] }
        Returns: Database['public']['CompositeTypes']['organisation_device_invite']
        SetofOptions: {
          from: '*'
          to: 'organisation_device_invite'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_organisation_directory_endpoint: {
        Args: { name: string; organisation_id: string; token: string; url: string }
        Returns: {
          created_at: string
          created_by: string
          drift: number | null
          failures: number
          features: Json | null
          fence: number
          id: string
          is_enabled: boolean
          last_error: string | null
          last_success_at: string | null
          leased_at: string | null
          name: string
          organisation_id: string
          reconcile_at: string
          reconciled_at: string | null
          retry_at: string | null
          url: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_directory_endpoints'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_organisation_directory_token: {
        Args: { expires_in?: string; name: string; organisation_id: string }
        Returns: Database['public']['CompositeTypes']['organisation_directory_token']
        SetofOptions: {
          from: '*'
          to: 'organisation_directory_token'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_organisation_domain: {
        Args: { domain: string; organisation_id: string }
        Returns: {
          checked_at: string | null
          created_at: string
          domain: string
          id: string
          join_policy: string
          organisation_id: string
          responsible_id: string | null
          role: string
          stops_at: string | null
          verification: string
          verified_at: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_domains'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_organisation_email_template: {
        Args: {
          body?: string
          button?: string
          heading?: string
          is_default?: boolean
          kind: string
          locale: string
          name?: string
          organisation_id: string
          subject?: string
        }
        Returns: {
          body: string | null
          button: string | null
          created_at: string
          failed_at: string | null
          failure: string | null
          heading: string | null
          id: string
          is_default: boolean
          kind: string
          locale: string
          name: string
          organisation_id: string
          subject: string | null
          updated_at: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_email_templates'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_organisation_invite: {
        Args: {
          email: string
          expires_in?: string
          locale?: string
          membership_ends_at?: string
          message?: string
          metadata?: Json
          organisation_id: string
          redirect_to?: string
          roles: string[]
          template_id?: string
        }
        Returns: {
          accepted_at: string | null
          accepted_by: string | null
          bounced_at: string | null
          created_at: string
          declined_at: string | null
          declined_reason: string | null
          device_name: string | null
          email: string | null
          expires_at: string
          id: string
          invited_by: string | null
          issued_at: string
          kind: string
          locale: string | null
          membership_ends_at: string | null
          message: string | null
          metadata: NonNullable<Json>
          organisation_id: string
          redirect_to: string | null
          resend_count: number | null
          revoked_at: string | null
          revoked_by: string | null
          revoked_reason: string | null
          roles: string[]
          status: string | null
          template_id: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_invites'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_organisation_invites: {
        Args: { invites: Json; organisation_id: string }
        Returns: Json
      }
      create_organisation_role: {
        Args: {
          description?: string
          inherits?: string[]
          name: string
          organisation_id: string
          permissions?: string[]
        }
        Returns: {
          created_at: string
          description: string
          granted_permissions: string[]
          id: string
          inherits: string[]
          name: string
          organisation_id: string | null
          permissions: string[]
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_roles'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_organisation_role_exclusion: {
        Args: { cardinality?: number; name: string; organisation_id: string; roles: string[] }
        Returns: {
          cardinality: number
          name: string
          organisation_id: string
          roles: string[]
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_role_exclusions'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      create_organisation_webhook: {
        Args: { description?: string; events?: string[]; organisation_id: string; url: string }
        Returns: Database['public']['CompositeTypes']['organisation_webhook_secret']
        SetofOptions: {
          from: '*'
          to: 'organisation_webhook_secret'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      decline_organisation_invite: {
        Args: { reason?: string; token: string }
        Returns: Database['public']['CompositeTypes']['organisation_invite_preview']
        SetofOptions: {
          from: '*'
          to: 'organisation_invite_preview'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      decline_organisation_join_request: {
        Args: { reason?: string; request_id: string }
        Returns: {
          created_at: string
          decided_at: string | null
          decided_by: string | null
          email: string
          id: string
          organisation_id: string
          reason: string | null
          status: string
          user_id: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_join_requests'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      delete_organisation: { Args: { organisation_id: string }; Returns: undefined }
      delete_organisation_directory_endpoint: { Args: { endpoint_id: string }; Returns: undefined }
      delete_organisation_domain: {
        Args: { domain: string; organisation_id: string }
        Returns: undefined
      }
      delete_organisation_email_template: { Args: { template_id: string }; Returns: undefined }
      delete_organisation_role: {
        Args: { organisation_id: string; role: string }
        Returns: undefined
      }
      delete_organisation_role_exclusion: {
        Args: { name: string; organisation_id: string }
        Returns: undefined
      }
      delete_organisation_webhook: { Args: { webhook_id: string }; Returns: undefined }
      enrol_organisation_device: { Args: { code: string }; Returns: Json }
      expire_organisation_invite: {
        Args: { invite_id: string }
        Returns: {
          accepted_at: string | null
          accepted_by: string | null
          bounced_at: string | null
          created_at: string
          declined_at: string | null
          declined_reason: string | null
          device_name: string | null
          email: string | null
          expires_at: string
          id: string
          invited_by: string | null
          issued_at: string
          kind: string
          locale: string | null
          membership_ends_at: string | null
          message: string | null
          metadata: NonNullable<Json>
          organisation_id: string
          redirect_to: string | null
          resend_count: number | null
          revoked_at: string | null
          revoked_by: string | null
          revoked_reason: string | null
          roles: string[]
          status: string | null
          template_id: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_invites'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      export_organisation_evidence: {
        Args: { organisation_id: string; since: string; until?: string }
        Returns: Json
      }
      grant_organisation_permission: {
        Args: { organisation_id: string; permission: string; role: string }
        Returns: {
          created_at: string
          description: string
          granted_permissions: string[]
          id: string
          inherits: string[]
          name: string
          organisation_id: string | null
          permissions: string[]
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_roles'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      has_organisation_permission: {
        Args: { organisation_id: string; permission: string }
        Returns: boolean
      }
      join_organisation: { Args: { organisation_id: string }; Returns: string }
      leave_organisation: {
        Args: { organisation_id: string }
        Returns: {
          announced_end_at: string | null
          display_name: string | null
          email: string | null
          ended_at: string | null
          ends_at: string | null
          id: string
          joined_at: string
          kind: string
          next_end_at: string | null
          organisation_id: string
          role_ends: NonNullable<Json>
          roles: string[]
          status: string
          status_reason: string | null
          user_id: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_members'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      lift_organisation_mail_suppression: {
        Args: { email: string; organisation_id: string }
        Returns: boolean
      }
      list_assignable_organisation_roles: { Args: { organisation_id: string }; Returns: string[] }
      list_joinable_organisations: {
        Args: Record<PropertyKey, never>
        Returns: {
          accent_colour: string
          domain: string
          id: string
          join_policy: string
          logo_url: string
          name: string
        }[]
      }
      list_my_organisation_invites: {
        Args: Record<PropertyKey, never>
        Returns: {
          created_at: string
          expires_at: string
          id: string
          inviter_email: string
          inviter_name: string
          message: string
          organisation_accent_colour: string
          organisation_id: string
          organisation_logo_url: string
          organisation_name: string
          roles: string[]
        }[]
      }
      list_my_organisation_permissions: { Args: { organisation_id: string }; Returns: string[] }
      list_my_organisations: {
        Args: Record<PropertyKey, never>
        Returns: {
          id: string
          is_owner: boolean
          joined_at: string
          kind: string
          name: string
          roles: string[]
          slug: string
        }[]
      }
      list_organisation_evidence_events: {
        Args: {
          after_position?: number
          after_seal: number
          last_seal: number
          organisation_id: string
          page_size?: number
        }
        Returns: Json
      }
      list_organisation_invites: {
        Args: {
          cursor?: string
          organisation_id: string
          page_size?: number
          search?: string
          status?: string
        }
        Returns: {
          accepted_at: string | null
          accepted_by: string | null
          bounced_at: string | null
          created_at: string
          declined_at: string | null
          declined_reason: string | null
          device_name: string | null
          email: string | null
          expires_at: string
          id: string
          invited_by: string | null
          issued_at: string
          kind: string
          locale: string | null
          membership_ends_at: string | null
          message: string | null
          metadata: NonNullable<Json>
          organisation_id: string
          redirect_to: string | null
          resend_count: number | null
          revoked_at: string | null
          revoked_by: string | null
          revoked_reason: string | null
          roles: string[]
          status: string | null
          template_id: string | null
        }[]
        SetofOptions: {
          from: '*'
          to: 'organisation_invites'
          isOneToOne: false
          isSetofReturn: true
        }
      }
      list_organisation_member_permissions: {
        Args: { organisation_id: string; user_id: string }
        Returns: string[]
      }
      list_organisation_member_roles: {
        Args: { organisation_id: string; user_id: string }
        Returns: string[]
      }
      list_organisation_role_members: {
        Args: { organisation_id: string; role: string }
        Returns: Json
      }
      list_organisation_role_permissions: {
        Args: { organisation_id: string; role: string }
        Returns: string[]
      }
      organisation_invite_metrics: {
        Args: { organisation_id: string; since?: string; until?: string }
        Returns: Database['public']['CompositeTypes']['organisation_invite_metrics']
        SetofOptions: {
          from: '*'
          to: 'organisation_invite_metrics'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      organisation_sign_up_policy: {
        Args: Record<PropertyKey, never>
        Returns: Database['public']['CompositeTypes']['organisation_sign_up_policy']
        SetofOptions: {
          from: '*'
          to: 'organisation_sign_up_policy'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      reconcile_organisation_directory_endpoint: {
        Args: { endpoint_id: string }
        Returns: {
          created_at: string
          created_by: string
          drift: number | null
          failures: number
          features: Json | null
          fence: number
          id: string
          is_enabled: boolean
          last_error: string | null
          last_success_at: string | null
          leased_at: string | null
          name: string
          organisation_id: string
          reconcile_at: string
          reconciled_at: string | null
          retry_at: string | null
          url: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_directory_endpoints'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      reissue_organisation_invites: { Args: { invite_ids: string[] }; Returns: Json }
      remove_organisation_member: {
        Args: { organisation_id: string; reason?: string; user_id: string }
        Returns: {
          announced_end_at: string | null
          display_name: string | null
          email: string | null
          ended_at: string | null
          ends_at: string | null
          id: string
          joined_at: string
          kind: string
          next_end_at: string | null
          organisation_id: string
          role_ends: NonNullable<Json>
          roles: string[]
          status: string
          status_reason: string | null
          user_id: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_members'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      replay_organisation_webhook_deliveries: {
        Args: { delivery_id?: string; since?: string; webhook_id: string }
        Returns: number
      }
      request_organisation_invite_resend: { Args: { token: string }; Returns: undefined }
      resend_organisation_invite: {
        Args: { invite_id: string }
        Returns: {
          accepted_at: string | null
          accepted_by: string | null
          bounced_at: string | null
          created_at: string
          declined_at: string | null
          declined_reason: string | null
          device_name: string | null
          email: string | null
          expires_at: string
          id: string
          invited_by: string | null
          issued_at: string
          kind: string
          locale: string | null
          membership_ends_at: string | null
          message: string | null
          metadata: NonNullable<Json>
          organisation_id: string
          redirect_to: string | null
          resend_count: number | null
          revoked_at: string | null
          revoked_by: string | null
          revoked_reason: string | null
          roles: string[]
          status: string | null
          template_id: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_invites'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      retry_organisation_delivery: {
        Args: { delivery_id: string }
        Returns: {
          attempts: number
          bounced_at: string | null
          caused_by: string | null
          complained_at: string | null
          created_at: string
          dedupe_key: string | null
          delivered_at: string | null
          due_at: string
          event_id: string | null
          facts: NonNullable<Json>
          fence: number
          id: string
          in_doubt_at: string | null
          invite_id: string | null
          is_bulk: boolean
          is_paced: boolean
          issue: number | null
          kind: string
          last_response: string | null
          last_status_code: string | null
          leased_by: string | null
          locale: string | null
          mailbox: string | null
          member_id: string | null
          opened_at: string | null
          organisation_id: string | null
          provider_message_id: string | null
          recipient: string
          sent_at: string | null
          status: string
          taken_at: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_deliveries'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      reveal_organisation_invite_link: { Args: { invite_id: string }; Returns: string }
      revoke_organisation_directory_token: {
        Args: { token_id: string }
        Returns: {
          carried_roles: string[]
          created_at: string
          created_by: string
          expires_at: string | null
          id: string
          last_used_at: string | null
          name: string
          organisation_id: string
          responsible_id: string
          revoked_at: string | null
          revoked_by: string | null
          stops_at: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_directory_tokens'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      revoke_organisation_invite: {
        Args: { invite_id: string; reason?: string }
        Returns: {
          accepted_at: string | null
          accepted_by: string | null
          bounced_at: string | null
          created_at: string
          declined_at: string | null
          declined_reason: string | null
          device_name: string | null
          email: string | null
          expires_at: string
          id: string
          invited_by: string | null
          issued_at: string
          kind: string
          locale: string | null
          membership_ends_at: string | null
          message: string | null
          metadata: NonNullable<Json>
          organisation_id: string
          redirect_to: string | null
          resend_count: number | null
          revoked_at: string | null
          revoked_by: string | null
          revoked_reason: string | null
          roles: string[]
          status: string | null
          template_id: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_invites'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      revoke_organisation_permission: {
        Args: { organisation_id: string; permission: string; role: string }
        Returns: {
          created_at: string
          description: string
          granted_permissions: string[]
          id: string
          inherits: string[]
          name: string
          organisation_id: string | null
          permissions: string[]
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_roles'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      rotate_organisation_webhook_secret: {
        Args: { keep_old_for?: string; webhook_id: string }
        Returns: Database['public']['CompositeTypes']['organisation_webhook_secret']
        SetofOptions: {
          from: '*'
          to: 'organisation_webhook_secret'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      start_organisation_access_review: {
        Args: { due_at: string; organisation_id: string; title: string }
        Returns: {
          closed_by: string | null
          closed_reason: string | null
          due_at: string
          ended_at: string | null
          id: string
          organisation_id: string
          reminded_at: string | null
          started_at: string
          started_by: string | null
          status: string
          title: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_access_reviews'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      stop_organisation_mail: {
        Args: { everywhere?: boolean; stop?: boolean; token: string }
        Returns: string
      }
      take_over_organisation_credentials: { Args: { ids: string[] }; Returns: Json }
      test_organisation_webhook: {
        Args: { webhook_id: string }
        Returns: {
          attempts: number
          created_at: string
          delivered_at: string | null
          due_at: string
          event: string
          event_id: string
          fence: number
          id: string
          last_response: string | null
          last_status_code: number | null
          leased_by: string | null
          organisation_id: string
          status: string
          tries: NonNullable<Json>
          webhook_id: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_webhook_deliveries'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      transfer_organisation_ownership: {
        Args: { new_owner_id: string; organisation_id: string }
        Returns: {
          announced_end_at: string | null
          display_name: string | null
          email: string | null
          ended_at: string | null
          ends_at: string | null
          id: string
          joined_at: string
          kind: string
          next_end_at: string | null
          organisation_id: string
          role_ends: NonNullable<Json>
          roles: string[]
          status: string
          status_reason: string | null
          user_id: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_members'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      unban_organisation_member: {
        Args: { organisation_id: string; reason?: string; user_id: string }
        Returns: {
          announced_end_at: string | null
          display_name: string | null
          email: string | null
          ended_at: string | null
          ends_at: string | null
          id: string
          joined_at: string
          kind: string
          next_end_at: string | null
          organisation_id: string
          role_ends: NonNullable<Json>
          roles: string[]
          status: string
          status_reason: string | null
          user_id: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_members'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_organisation: {
        Args: { changes: Json; organisation_id: string }
        Returns: {
          accent_colour: string | null
          allowed_email_domains: string[]
          audit_retention: string | null
          created_at: string
          credential_grace: string
          expiry_mail: boolean
          id: string
          invite_ttl: string
          locale: string
          logo_url: string | null
          name: string
          reminder_before: string | null
          reply_to: string | null
          seat_limit: number | null
          self_service_resend: boolean
          sender_name: string | null
          slug: string
          track_opens: boolean
        }
        SetofOptions: {
          from: '*'
          to: 'organisations'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_organisation_directory_endpoint: {
        Args: { changes: Json; endpoint_id: string }
        Returns: {
          created_at: string
          created_by: string
          drift: number | null
          failures: number
          features: Json | null
          fence: number
          id: string
          is_enabled: boolean
          last_error: string | null
          last_success_at: string | null
          leased_at: string | null
          name: string
          organisation_id: string
          reconcile_at: string
          reconciled_at: string | null
          retry_at: string | null
          url: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_directory_endpoints'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_organisation_domain: {
        Args: { domain: string; join_policy?: string; organisation_id: string; role?: string }
        Returns: {
          checked_at: string | null
          created_at: string
          domain: string
          id: string
          join_policy: string
          organisation_id: string
          responsible_id: string | null
          role: string
          stops_at: string | null
          verification: string
          verified_at: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_domains'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_organisation_email_template: {
        Args: { changes: Json; template_id: string }
        Returns: {
          body: string | null
          button: string | null
          created_at: string
          failed_at: string | null
          failure: string | null
          heading: string | null
          id: string
          is_default: boolean
          kind: string
          locale: string
          name: string
          organisation_id: string
          subject: string | null
          updated_at: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_email_templates'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_organisation_invite_roles: {
        Args: { invite_id: string; roles: string[] }
        Returns: {
          accepted_at: string | null
          accepted_by: string | null
          bounced_at: string | null
          created_at: string
          declined_at: string | null
          declined_reason: string | null
          device_name: string | null
          email: string | null
          expires_at: string
          id: string
          invited_by: string | null
          issued_at: string
          kind: string
          locale: string | null
          membership_ends_at: string | null
          message: string | null
          metadata: NonNullable<Json>
          organisation_id: string
          redirect_to: string | null
          resend_count: number | null
          revoked_at: string | null
          revoked_by: string | null
          revoked_reason: string | null
          roles: string[]
          status: string | null
          template_id: string | null
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_invites'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_organisation_member_ends: {
        Args: { ends_at?: string; organisation_id: string; role_ends?: Json; user_id: string }
        Returns: {
          announced_end_at: string | null
          display_name: string | null
          email: string | null
          ended_at: string | null
          ends_at: string | null
          id: string
          joined_at: string
          kind: string
          next_end_at: string | null
          organisation_id: string
          role_ends: NonNullable<Json>
          roles: string[]
          status: string
          status_reason: string | null
          user_id: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_members'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_organisation_member_roles: {
        Args: { organisation_id: string; roles: string[]; user_id: string }
        Returns: {
          announced_end_at: string | null
          display_name: string | null
          email: string | null
          ended_at: string | null
          ends_at: string | null
          id: string
          joined_at: string
          kind: string
          next_end_at: string | null
          organisation_id: string
          role_ends: NonNullable<Json>
          roles: string[]
          status: string
          status_reason: string | null
          user_id: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_members'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_organisation_role: {
        Args: {
          description?: string
          inherits?: string[]
          organisation_id: string
          permissions?: string[]
          role: string
        }
        Returns: {
          created_at: string
          description: string
          granted_permissions: string[]
          id: string
          inherits: string[]
          name: string
          organisation_id: string | null
          permissions: string[]
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_roles'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_organisation_sign_in_rule: {
        Args: { changes: Json; organisation_id: string }
        Returns: {
          domain: string | null
          for_members: boolean
          level: string
          max_age: string | null
          methods: string[]
          organisation_id: string
          provider: string | null
          updated_at: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_sign_in_rules'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      update_organisation_webhook: {
        Args: { changes: Json; webhook_id: string }
        Returns: {
          created_at: string
          description: string
          disabled_at: string | null
          disabled_reason: string | null
          events: string[] | null
          failing_since: string | null
          id: string
          is_enabled: boolean
          organisation_id: string
          url: string
        }
        SetofOptions: {
          from: '*'
          to: 'organisation_webhooks'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      validate_organisation_invite: {
        Args: { token: string }
        Returns: Database['public']['CompositeTypes']['organisation_invite_preview']
        SetofOptions: {
          from: '*'
          to: 'organisation_invite_preview'
          isOneToOne: true
          isSetofReturn: false
        }
      }
      verify_organisation_audit_trail: {
        Args: { organisation_id: string }
        Returns: Database['public']['CompositeTypes']['organisation_audit_verification']
        SetofOptions: {
          from: '*'
          to: 'organisation_audit_verification'
          isOneToOne: true
          isSetofReturn: false
        }
      }
    }
    Enums: {
      [_ in never]: never
    }
    CompositeTypes: {
      organisation_audit_verification: {
        is_whole: boolean | null
        events: number | null
        sealed_events: number | null
        erased_events: number | null
        seals: number | null
        last_seal: string | null
        problem: string | null
        event_id: string | null
        seal_number: number | null
      }
      organisation_call: {
        result: Json | null
        is_replay: boolean | null
      }
      organisation_device_invite: {
        invite_id: string | null
        organisation_id: string | null
        device_name: string | null
        roles: string[] | null
        expires_at: string | null
        code: string | null
      }
      organisation_directory_token: {
        id: string | null
        organisation_id: string | null
        name: string | null
        expires_at: string | null
        token: string | null
        scim_url: string | null
      }
      organisation_evidence_event: {
        seal_number: number | null
        position: number | null
        event_id: string | null
        event_hash: string | null
        personal_hash: string | null
        personal_salt: string | null
        event: string | null
        personal: string | null
      }
      organisation_invite_metrics: {
        created: number | null
        pending: number | null
        accepted: number | null
        declined: number | null
        revoked: number | null
        expired: number | null
        acceptance_rate: number | null
        median_hours_to_accept: number | null
        mails_sent: number | null
        delivery_rate: number | null
        bounce_rate: number | null
        days: Json | null
      }
      organisation_invite_preview: {
        status: string | null
        reason: string | null
        organisation_name: string | null
        organisation_logo_url: string | null
        organisation_accent_colour: string | null
        email: string | null
        roles: string[] | null
        inviter_name: string | null
        inviter_email: string | null
        message: string | null
        locale: string | null
        redirect_to: string | null
        expires_at: string | null
        has_account: boolean | null
        membership_ends_at: string | null
        sign_in_provider: string | null
        sign_in_domain: string | null
        sign_in_level: string | null
        one_click: boolean | null
        organisation_id: string | null
      }
      organisation_invite_result: {
        row_number: number | null
        email: string | null
        status: string | null
        invite_id: string | null
        error_code: string | null
        error_details: string | null
      }
      organisation_sign_up_policy: {
        sign_up: string | null
        auth_confirms_addresses: boolean | null
      }
      organisation_webhook_secret: {
        webhook_id: string | null
        organisation_id: string | null
        secret: string | null
        old_secrets_end: string | null
      }
    }
  }
}

type DatabaseWithoutInternals = Omit<Database, '__InternalSupabase'>

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, 'public'>]

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema['Tables'] & DefaultSchema['Views'])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'] &
        DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Views'])
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'] &
      DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Views'])[TableName] extends {
      Row: infer R
    }
    ? R
    : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema['Tables'] & DefaultSchema['Views'])
    ? (DefaultSchema['Tables'] & DefaultSchema['Views'])[DefaultSchemaTableNameOrOptions] extends {
        Row: infer R
      }
      ? R
      : never
    : never

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema['Tables']
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables']
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'][TableName] extends {
      Insert: infer I
    }
    ? I
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema['Tables']
    ? DefaultSchema['Tables'][DefaultSchemaTableNameOrOptions] extends {
        Insert: infer I
      }
      ? I
      : never
    : never

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema['Tables']
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables']
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'][TableName] extends {
      Update: infer U
    }
    ? U
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema['Tables']
    ? DefaultSchema['Tables'][DefaultSchemaTableNameOrOptions] extends {
        Update: infer U
      }
      ? U
      : never
    : never

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema['Enums']
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions['schema']]['Enums']
    : never = never,
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions['schema']]['Enums'][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema['Enums']
    ? DefaultSchema['Enums'][DefaultSchemaEnumNameOrOptions]
    : never

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema['CompositeTypes']
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions['schema']]['CompositeTypes']
    : never = never,
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions['schema']]['CompositeTypes'][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema['CompositeTypes']
    ? DefaultSchema['CompositeTypes'][PublicCompositeTypeNameOrOptions]
    : never

export const Constants = {
  public: {
    Enums: {},
  },
} as const
