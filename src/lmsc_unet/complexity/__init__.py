"""What a network costs: parameters, memory and multiply-accumulates, beside what the paper printed."""
