"""Engine of forecasts: monthly totals and nothing finer, validated on months that were held out, beside a naive benchmark."""
