namespace TorchZoo.Data.Sources;

/// <summary>Where and how to look for published data sets.</summary>
public sealed record DatasetSearch
{
    private readonly TimeSpan _timeout = TimeSpan.FromSeconds(20);

    /// <summary>A folder that holds the files; then nothing else is looked at, and what is in them is not verified: they may well be others
    /// of the same form. Null: everywhere else.</summary>
    public string? Folder { get; init; }

    /// <summary>What was downloaded, a folder for each data set. Empty: there is none, and nothing is downloaded.</summary>
    public string Cache { get; init; } = DefaultCache;

    /// <summary>Whether to download what is nowhere else.</summary>
    public bool MayDownload { get; init; } = true;

    /// <summary>How long a publisher may take to answer, and then to send the next bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive, or longer than a day.</exception>
    public TimeSpan Timeout
    {
        get => _timeout;
        init
        {
            if (value <= TimeSpan.Zero || value > TimeSpan.FromDays(1))
                throw new ArgumentOutOfRangeException(nameof(Timeout), value, "Expected a time of up to a day");
            _timeout = value;
        }
    }

    /// <summary>Folder <c>torchzoo/data</c> where this user's programs keep what they can get again: <c>XDG_CACHE_HOME</c>, or the system's
    /// folder for local application data. Empty where the system has none.</summary>
    public static string DefaultCache
    {
        get
        {
            var root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            // Its specification: a relative path is invalid and to be ignored.
            if (!Path.IsPathFullyQualified(root ?? ""))
                root = Environment.GetFolderPath(
                    Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
            return string.IsNullOrEmpty(root) ? "" : Path.Combine(root, "torchzoo", "data");
        }
    }
}
