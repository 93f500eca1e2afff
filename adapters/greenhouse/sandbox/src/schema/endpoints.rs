//! The table of GET endpoints of Harvest v3: the parameters that each takes and the fields of its
//! rows.
//!
//! One entry is (collection, parameters, fields). A word is `name:kind`. Six parameters are common
//! to every list and not repeated: `cursor per_page ids created_at updated_at fields`; the word
//! `-times` removes the two dates. A `+` marks a member that was seen live before the reference
//! named it, a `?` a field that only the stub answer of a candidate has. The table is our own data;
//! `tests/reference.rs` compares it with the reference if that is available.

/// Every GET endpoint: collection, parameters beyond the common ones, fields of a row.
#[rustfmt::skip]
pub(super) const ENDPOINTS: &[(&str, &str, &str)] = &[
    ("application_stages",
     "application_ids:ids job_interview_stage_ids:ids current:bool",
     "id:int application_id:int current:bool days_in_stage:int entered_at:time exited_at:time \
      job_interview_stage_id:int created_at:time updated_at:time"),
    ("applications",
     "candidate_ids:ids job_ids:ids prospective_job_ids:ids job_post_ids:ids source_ids:ids \
      referrer_ids:ids stage_ids:ids status:one(rejected|hired|converted|active) stage_name:text \
      custom_field_option_id:int last_activity_at:time prospect:bool +job_interview_stage_ids:ids",
     "id:int agency_note_id:int answers:list candidate_id:int coordinator_id:int custom_fields:map \
      job_id:int job_post_id:int last_activity_at:time location_address:text needs_decision:bool \
      prospect:bool prospective_job_ids:list recruiter_id:int referrer_id:int rejected_at:time \
      +rejection_reason_id:int source_id:int stage_id:int +job_interview_stage_id:int \
      stage_name:text \
      status:text created_at:time updated_at:time"),
    ("applied_candidate_tags",
     "candidate_tag_ids:ids candidate_ids:ids",
     "id:int candidate_id:int candidate_tag_id:int created_at:time updated_at:time"),
    ("approval_flows",
     "job_ids:ids offer_ids:ids approval_type:one(open_job|offer_job|offer_candidate)",
     "id:int approval_status:text approval_type:text job_id:int offer_id:int requested_by_id:int \
      sequential:bool version:int created_at:time updated_at:time"),
    ("approver_groups",
     "approval_flow_ids:ids",
     "id:int approval_flow_id:int approvals_required:int required_for_exception:bool \
      resolved_at:time \
      sort_order:int created_at:time updated_at:time"),
    ("approvers",
     "approver_group_ids:ids user_ids:ids status:one(waiting|due|approved|rejected)",
     "id:int added_by_custom_field_id:int approver_group_id:int auto_reminders_sent:int \
      reminder_sent_at:time reminder_sent_by_id:int reminders_sent:int request_sent_at:time \
      resolved_at:time resolved_by_id:int send_auto_reminder_at:time sort_order:int status:text \
      user_id:int version_sent:int created_at:time updated_at:time"),
    ("attachments",
     "application_ids:ids candidate_ids:ids \
      type:one(resume|cover_letter|take_home_test|offer_packet|offer_letter|signed_offer_letter|other|form_attachment|midfunnel_agreement|automated_agreement)",
     "id:int application_id:int candidate_id:int filename:text type:text url:text created_at:time \
      updated_at:time"),
    ("blocked_spam_sources",
     "source_type:one(ip_address|cidr_block|email_address|email_domain) value:text",
     "id:int note:text source_type:text value:text created_at:time updated_at:time"),
    ("bulk_requests",
     "bulk_action_uuid:text active:bool",
     "id:int api_endpoint:text bulk_action_uuid:text callback_response:text callback_url:text \
      completed_at:time expires_at:time failure_count:int record_count:int requested_at:time \
      requested_by_user_id:int status:text success_count:int created_at:time updated_at:time"),
    ("bulk_requests/{bulk_action_uuid}",
     "",
     "id:int api_endpoint:text bulk_action_uuid:text callback_response:text callback_url:text \
      completed_at:time expires_at:time failure_count:int failure_results_url:text \
      record_count:int \
      requested_at:time requested_by_user_id:int results_urls_expire_at:time \
      results_urls_expire_in:text status:text success_count:int success_results_url:text \
      created_at:time updated_at:time"),
    ("candidate_attribute_types",
     "active:bool is_draft:bool",
     "id:int active:bool is_draft:bool job_id:int name:text sort_order:int created_at:time \
      updated_at:time"),
    ("candidate_educations",
     "candidate_ids:ids start_at:time end_at:time latest:bool",
     "id:int candidate_id:int degree_custom_field_option_id:int \
      discipline_custom_field_option_id:int \
      end_at:time end_date_month:int end_date_year:int latest:bool \
      school_name_custom_field_option_id:int start_at:time start_date_month:int \
      start_date_year:int \
      created_at:time updated_at:time"),
    ("candidate_employments",
     "candidate_ids:ids latest:bool",
     "id:int candidate_id:int company_name:text end_date:text latest:bool start_date:text \
      title:text \
      created_at:time updated_at:time"),
    ("candidate_tags",
     "",
     "id:int name:text created_at:time updated_at:time"),
    ("candidates",
     "last_activity_at:time custom_field_option_id:int private:bool email:text tag:text",
     "id:int addresses:list can_email:bool company:text custom_fields:map email_addresses:list \
      first_name:text last_activity_at:time last_name:text linked_user_ids:list ?message:text \
      phone_numbers:list preferred_name:text private:bool social_media_addresses:list tags:list \
      time_zone:text title:text website_addresses:list created_at:time updated_at:time"),
    ("close_reasons",
     "",
     "id:int name:text created_at:time updated_at:time"),
    ("custom_field_departments",
     "custom_field_ids:ids department_ids:ids",
     "id:int custom_field_id:int department_id:int created_at:time updated_at:time"),
    ("custom_field_offices",
     "custom_field_ids:ids office_ids:ids",
     "id:int custom_field_id:int office_id:int created_at:time updated_at:time"),
    ("custom_field_options",
     "custom_field_ids:ids active:bool custom_field_key:text",
     "id:int active:bool custom_field_id:int external_id:text name:text sort_order:int \
      created_at:time \
      updated_at:time"),
    ("custom_fields",
     "field_type:one(job|opening|standard|offer|compensation_frequency|candidate|referral_question|application|rejection_question|form|agency_question|user_attribute) \
      active:bool name:text name_key:text",
     "id:int active:bool api_only:bool application_type:text default_value:map description:text \
      expose_in_job_board_api:bool field_type:text internal_type:text name:text name_key:text \
      placeholder:text private:bool require_approval:bool required:bool sort_order:int \
      template_token_string:text trigger_new_version:bool updated_by_id:int \
      use_for_job_approvals:bool \
      use_for_offer_approvals:bool value_type:text created_at:time updated_at:time"),
    ("default_interviewers",
     "user_ids:ids interview_kit_ids:ids",
     "id:int interview_kit_id:int user_id:int created_at:time updated_at:time"),
    ("demographic_answer_options",
     "-times demographic_question_ids:ids active:bool",
     "id:int active:bool decline_to_answer:bool demographic_question_id:int free_form:bool \
      name:text \
      sort_order:int created_at:time updated_at:time"),
    ("demographic_answers",
     "application_ids:ids demographic_question_ids:ids demographic_answer_option_ids:ids",
     "id:int application_id:int demographic_answer_option_id:int demographic_question_id:int \
      free_form_text:text created_at:time updated_at:time"),
    ("demographic_question_sets",
     "active:bool enabled:bool",
     "id:int active:bool description:text enabled:bool title:text created_at:time updated_at:time"),
    ("demographic_questions",
     "-times demographic_question_set_ids:ids active:bool required:bool",
     "id:int active:bool answer_type:text demographic_question_set_id:int name:text required:bool \
      sort_order:int created_at:time updated_at:time"),
    ("departments",
     "parent_id:int external_id:text",
     "id:int external_id:text name:text parent_id:int created_at:time updated_at:time"),
    ("eeoc",
     "application_ids:ids submitted_at:time",
     "id:int application_id:int candidate_id:int disability_status:map gender:map race:map \
      submitted_at:time veteran_status:map created_at:time updated_at:time"),
    ("email_templates",
     "email_type:one(candidate_auto_reply|new_candidate|new_internal_candidate|new_referral|new_agency_submission|candidate_hired|approved_to_start_recruiting|offer_fully_approved|job_closed|candidate_rejection|weekly_status|scorecard_reminder|scorecard_repeat_reminder|interviewer_invite|take_home_test_email|daily_recruiting|stage_transition|scorecard_progress|agency_candidate_status|agency_candidate_stage|candidate_email|team_email|none|extending_offer|non_admin_welcome|job_admin_welcome|site_admin_welcome|prospect_referral_receipt|candidate_referral_receipt|candidate_availability_request|candidate_availability_confirmation|approval_request|eeoc_data_request|event_prospect_auto_reply|job_post_request|gdpr_notification|stage_change_for_followers|rejection_for_followers|calendly_request|gdpr_consent_extension|agency_recruiter_assigned|slack_mentions|candidate_self_schedule_request|sourcing_automation_step|candidate_survey|esignature_request|scheduling_link_confirmation|talent_matching_summary|identity_verification_request|identity_verification_daily_digest) \
      from_type:one(user_email|organization_email|my_email_address|inviter|organizer|not_applicable)",
     "id:int body:text cc_coordinator:bool cc_recruiter:bool default:bool description:text \
      email_type:text from_type:text html_body:text name:text office_anywhere:bool recipients:text \
      subject:text user_id:int created_at:time updated_at:time"),
    ("focus_candidate_attributes",
     "interview_kit_ids:ids job_candidate_attribute_ids:ids",
     "id:int interview_kit_id:int job_candidate_attribute_id:int created_at:time updated_at:time"),
    ("future_job_permissions",
     "department_ids:ids office_ids:ids user_ids:ids role_ids:ids external_department_id:text \
      external_office_id:text",
     "id:int department_id:int office_id:int role_id:int user_id:int created_at:time \
      updated_at:time"),
    ("interview_kits",
     "job_ids:ids job_interview_ids:ids",
     "id:int anonymize_candidate:bool anonymize_resumes:bool exercises:text job_id:int \
      job_interview_id:int created_at:time updated_at:time"),
    ("interviewer_tags",
     "",
     "id:int name:text created_at:time updated_at:time"),
    ("interviewers",
     "interview_ids:ids user_ids:ids scorecard_ids:ids \
      response_status:one(needs_action|declined|tentative|accepted)",
     "id:int email:text interview_id:int response_status:text scorecard_id:int user_id:int \
      created_at:time updated_at:time"),
    ("interviews",
     "job_ids:ids application_ids:ids job_interview_ids:ids organizer_ids:ids starts_at:time \
      ends_at:time all_day_start_on:time all_day_end_on:time external_event_id:text \
      status:one(to_be_scheduled|scheduled|awaiting_feedback|complete|skipped|collect_feedback|to_be_sent|sent|received)",
     "id:int all_day_end_on:text all_day_start_on:text application_id:int \
      availability_received_at:time ends_at:time external_event_id:text job_id:int \
      job_interview_id:int location:text organizer_id:int scheduled_at:time starts_at:time \
      status:text \
      video_conferencing_url:text created_at:time updated_at:time"),
    ("job_board_custom_locations",
     "greenhouse_job_board_ids:ids active:bool",
     "id:int active:bool greenhouse_job_board_id:int value:text created_at:time updated_at:time"),
    ("job_boards",
     "internal:bool live:bool",
     "id:int about:text company_name:text conclusion:text internal:bool introduction:text \
      status:text \
      url_token:text created_at:time updated_at:time"),
    ("job_candidate_attributes",
     "job_ids:ids candidate_attribute_type_ids:ids active:bool",
     "id:int active:bool candidate_attribute_type_id:int job_id:int name:text sort_order:int \
      created_at:time updated_at:time"),
    ("job_hiring_managers",
     "user_ids:ids job_ids:ids",
     "id:int job_id:int user_id:int created_at:time updated_at:time"),
    ("job_interview_stages",
     "job_ids:ids active:bool",
     "id:int active:bool job_id:int name:text sort_order:int created_at:time updated_at:time"),
    ("job_interviews",
     "job_interview_stage_ids:ids job_ids:ids active:bool \
      scheduling_type:one(none|needs_scheduling|take_home_test|offer)",
     "id:int active:bool duration:int instructions:text job_id:int job_interview_stage_id:int \
      name:text require_scorecard:bool scheduling_type:text sort_order:int summary:text \
      created_at:time updated_at:time"),
    ("job_notes",
     "job_ids:ids user_ids:ids visibility:one(admin_only_visible|privately_visible)",
     "id:int body:text job_id:int user_id:int visibility:text created_at:time updated_at:time"),
    ("job_owners",
     "user_ids:ids job_ids:ids type:one(sourcer|recruiter|coordinator)",
     "id:int job_id:int responsible:bool type:text user_id:int created_at:time updated_at:time"),
    ("job_post_locations",
     "office_ids:ids job_post_ids:ids custom_location_ids:ids \
      type:one(free_text|office|custom_list) \
      plain_text_location:text",
     "id:int custom_location_id:int job_post_id:int office_id:int plain_text_location:text \
      type:text \
      created_at:time updated_at:time"),
    ("job_post_searchable_locations",
     "job_post_ids:ids",
     "id:int city:text country_long_name:text country_short_name:text county:text job_post_id:int \
      latitude:num location:text longitude:num postal_code:text region_long_name:text \
      region_short_name:text created_at:time updated_at:time"),
    ("job_posts",
     "job_ids:ids job_board_ids:ids active:bool featured:bool live:bool internal:bool",
     "id:int active:bool content:text demographic_question_set_id:int featured:bool \
      first_published_at:time internal:bool internal_content:text job_board_id:int job_id:int \
      language:text live:bool public_url:text questions:list title:text created_at:time \
      updated_at:time"),
    ("jobs",
     "opened_at:time closed_at:time requisition_id:text department_id:int office_id:int \
      custom_field_option_id:int confidential:bool status:one(open|draft|closed)",
     "id:int closed_at:time confidential:bool copied_from_id:int custom_fields:map \
      department_id:int \
      is_template:bool name:text notes:text office_ids:list opened_at:time requisition_id:text \
      status:text created_at:time updated_at:time"),
    ("notes",
     "candidate_ids:ids user_ids:ids application_ids:ids \
      type:one(NOTE|ACTIVITY|INTERVIEW|EMAIL|FOLLOW_UP|TAKE_HOME_TEST|LINKEDIN_NOTE|LINKEDIN_INMAIL|AVAILABILITY_REQUEST|MIGRATION_ERROR|TOUCHPOINT|FORM|FEEDBACK) \
      visibility:one(admin_only_visible|privately_visible|publicly_visible)",
     "id:int application_id:int body:text body_with_tags:text candidate_id:int \
      email_attachment_file_names:text email_cc:list email_from:text email_to:text \
      import_hash:text \
      subject:text type:text user_id:int visibility:text created_at:time updated_at:time"),
    ("offers",
     "application_ids:ids job_ids:ids candidate_ids:ids opening_ids:ids current_only:bool \
      custom_field_option_id:int status:one(Created|Accepted|Rejected|Deprecated) resolved_at:time \
      sent_on:time starts_on:time",
     "id:int application_id:int candidate_id:int custom_fields:map job_id:int opening_id:int \
      resolved_at:time sent_on:text starts_on:text status:text version:int created_at:time \
      updated_at:time"),
    ("offices",
     "parent_id:int external_id:text",
     "id:int external_id:text location:text name:text parent_id:int \
      primary_in_house_contact_user_id:int created_at:time updated_at:time"),
    ("openings",
     "job_ids:ids application_ids:ids close_reason_ids:ids opened_at:time closed_at:time \
      custom_field_option_id:int open:bool opening_id:text",
     "id:int application_id:int close_reason_id:int closed_at:time custom_fields:map job_id:int \
      open:bool opened_at:time opening_id:text sort_order:int target_start_on:text created_at:time \
      updated_at:time"),
    ("pay_input_ranges",
     "pay_input_ids:ids job_post_ids:ids",
     "id:int currency_type:text job_post_id:int max_cents:int min_cents:int pay_input_id:int \
      created_at:time updated_at:time"),
    ("pay_inputs",
     "linked_custom_field_ids:ids",
     "id:int blurb:text linked_custom_field_id:int locked:bool priority:int title:text \
      created_at:time \
      updated_at:time"),
    ("prospect_details",
     "application_ids:ids pool_ids:ids pool_stage_ids:ids prospect_owner_ids:ids \
      department_ids:ids \
      office_ids:ids",
     "id:int application_id:int department_id:int office_id:int pool_id:int pool_stage_id:int \
      prospect_owner_id:int created_at:time updated_at:time"),
    ("prospect_pool_stages",
     "prospect_pool_ids:ids",
     "id:int name:text prospect_pool_id:int sort_order:int created_at:time updated_at:time"),
    ("prospect_pools",
     "department_ids:ids office_ids:ids job_ids:ids active:bool",
     "id:int active:bool department_ids:list description:text job_ids:list name:text \
      office_ids:list \
      created_at:time updated_at:time"),
    ("referrers",
     "user_ids:ids",
     "id:int name:text user_id:int created_at:time updated_at:time"),
    ("rejection_details",
     "application_ids:ids rejection_reason_ids:ids custom_field_option_id:int",
     "id:int application_id:int question_custom_fields:map rejected_at:time rejected_by_id:int \
      rejection_note_id:int rejection_reason_id:int created_at:time updated_at:time"),
    ("rejection_reasons",
     "include_defaults:bool",
     "id:int name:text type:map created_at:time updated_at:time"),
    ("rejection_reasons/{id}",
     "fields:text",
     "id:int name:text type:map created_at:time updated_at:time"),
    ("scorecard_candidate_attributes",
     "scorecard_ids:ids job_candidate_attribute_ids:ids",
     "id:int candidate_attribute_rating:text job_candidate_attribute_id:int note:text \
      scorecard_id:int \
      created_at:time updated_at:time"),
    ("scorecard_question_answer_options",
     "scorecard_question_option_ids:ids scorecard_question_answer_ids:ids",
     "id:int scorecard_question_answer_id:int scorecard_question_option_id:int created_at:time \
      updated_at:time"),
    ("scorecard_question_answers",
     "scorecard_ids:ids scorecard_question_ids:ids",
     "id:int answer:text boolean_value:bool scorecard_id:int scorecard_question_id:int \
      created_at:time \
      updated_at:time"),
    ("scorecard_question_candidate_attributes",
     "scorecard_question_ids:ids focus_candidate_attribute_ids:ids",
     "id:int focus_candidate_attribute_id:int scorecard_question_id:int created_at:time \
      updated_at:time"),
    ("scorecard_question_options",
     "scorecard_question_ids:ids active:bool",
     "id:int active:bool name:text scorecard_question_id:int sort_order:int created_at:time \
      updated_at:time"),
    ("scorecard_questions",
     "interview_kit_ids:ids active:bool",
     "id:int active:bool answer_type:text interview_kit_id:int question:text required:bool \
      sort_order:int created_at:time updated_at:time"),
    ("scorecards",
     "interview_kit_ids:ids submitter_ids:ids application_ids:ids interviewer_ids:ids \
      interviewed_at:time submitted_at:time status:one(draft|complete)",
     "id:int application_id:int candidate_rating:text interview_kit_id:int interviewed_at:time \
      interviewer_id:int notes:text notes_with_tags:text private_notes:text \
      private_notes_with_tags:text public_notes:text public_notes_with_tags:text status:text \
      submitted_at:time submitter_id:int created_at:time updated_at:time"),
    ("sources",
     "",
     "id:int name:text type:map created_at:time updated_at:time"),
    ("tracking_links",
     "job_ids:ids source_ids:ids referrer_ids:ids job_board_ids:ids job_post_ids:ids \
      related_post_ids:ids token:text related_post_type:text",
     "id:int job_board_id:int job_id:int job_post_id:int referrer_id:int related_post_id:int \
      related_post_type:text source_id:int token:text created_at:time updated_at:time"),
    ("user_emails",
     "user_ids:ids email:texts verified:bool verification_token_sent_at:time",
     "id:int email:text user_id:int verification_token_sent_at:time verified:bool created_at:time \
      updated_at:time"),
    ("user_job_permissions",
     "job_ids:ids user_ids:ids role_ids:ids",
     "id:int automated:bool job_id:int role_id:int user_id:int created_at:time updated_at:time"),
    ("user_roles",
     "",
     "id:int name:text role_type:text created_at:time updated_at:time"),
    ("users",
     "agency_ids:ids office_ids:ids department_ids:ids linked_candidate_ids:ids \
      interviewer_tag_ids:ids employee_ids:texts custom_field_option_id:int deactivated:bool \
      primary_email:text external_office_id:text external_department_id:text \
      show_service_accounts:bool",
     "id:int agency_id:int custom_fields:map deactivated:bool department_ids:list emails:list \
      employee_id:text first_name:text interviewer_tags:list job_title:text last_name:text \
      linked_candidate_ids:list name:text office_ids:list primary_email:text site_admin:bool \
      created_at:time updated_at:time"),
];
