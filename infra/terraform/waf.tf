# The firewall of the REST API. A question may quote anything, so the managed rules for bodies only count. The size of
# bodies is limited by a custom rule.

locals {
  counted_bad_inputs = ["JavaDeserializationRCE_BODY", "Log4JRCE_BODY", "ReactJSRCE_BODY"]
  counted            = ["SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "EC2MetaDataSSRF_BODY", "NoUserAgent_HEADER"]
}

resource "aws_wafv2_web_acl" "main" {
  count = var.waf ? 1 : 0
  name  = local.name
  scope = "REGIONAL"
  tags  = local.tags

  default_action {
    allow {}
  }
  # The default inspects 16 KB only and treats larger bodies as oversize, which would block long messages.
  association_config {
    request_body {
      api_gateway {
        default_size_inspection_limit = "KB_64"
      }
    }
  }
  visibility_config {
    cloudwatch_metrics_enabled = true
    sampled_requests_enabled   = false
    metric_name                = "firewall"
  }

  dynamic "rule" {
    for_each = var.rate_address_per_5_minutes > 0 ? [var.rate_address_per_5_minutes] : []
    content {
      name     = "rate"
      priority = 0
      action {
        block {}
      }
      statement {
        rate_based_statement {
          limit                 = rule.value
          evaluation_window_sec = 300
          aggregate_key_type    = "IP"
          # Reading costs little, and a browser asks for permission (OPTIONS) before each POST.
          scope_down_statement {
            byte_match_statement {
              positional_constraint = "EXACTLY"
              search_string         = "POST"
              field_to_match {
                method {}
              }
              text_transformation {
                priority = 0
                type     = "NONE"
              }
            }
          }
        }
      }
      visibility_config {
        cloudwatch_metrics_enabled = true
        sampled_requests_enabled   = false
        metric_name                = "rate"
      }
    }
  }

  rule {
    name     = "body-size"
    priority = 1
    action {
      block {}
    }
    statement {
      size_constraint_statement {
        comparison_operator = "GT"
        size                = 65536
        field_to_match {
          body {
            oversize_handling = "MATCH"
          }
        }
        text_transformation {
          priority = 0
          type     = "NONE"
        }
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = false
      metric_name                = "body-size"
    }
  }

  rule {
    name     = "common"
    priority = 2
    override_action {
      none {}
    }
    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesCommonRuleSet"
        dynamic "rule_action_override" {
          for_each = local.counted
          content {
            name = rule_action_override.value
            action_to_use {
              count {}
            }
          }
        }
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = false
      metric_name                = "common"
    }
  }

  rule {
    name     = "known-bad-inputs"
    priority = 3
    override_action {
      none {}
    }
    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesKnownBadInputsRuleSet"
        dynamic "rule_action_override" {
          for_each = local.counted_bad_inputs
          content {
            name = rule_action_override.value
            action_to_use {
              count {}
            }
          }
        }
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = false
      metric_name                = "known-bad-inputs"
    }
  }
}

resource "aws_wafv2_web_acl_association" "rest" {
  count        = var.waf ? 1 : 0
  resource_arn = aws_api_gateway_stage.main.arn
  web_acl_arn  = aws_wafv2_web_acl.main[0].arn
}
