"""Who was at risk when: employments, episodes of exposure, dose."""
